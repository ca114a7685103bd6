package hubspot

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/intentd/intentd/connectors/internal/transport"
)

// record is a contact or deal on the wire. Properties and history are kept as they came, for most are looked at once. All texts
// of a page share its memory, and so does what is read out of them: whoever keeps a value for longer than a lot clones it.
type record struct {
	ID         string
	Properties string // a JSON object
	History    string // a JSON object of lists of versions
	CreatedAt  string
	UpdatedAt  string
	Archived   bool
}

// version is one value a property had.
type version struct {
	Value, Timestamp, SourceType, SourceID, UserID string
}

// page is a page of records, of a search, a list or a batch.
type page struct {
	Total   int
	Results []record // nil if the answer has no such list
	After   string   // where the next page begins
	Status  string
	Errors  []failure
}

// decodePage reads a page in one go: encoding/json would walk through each property four times.
func decodePage(b []byte) (*page, error) {
	v := new(page)
	f := transport.Scanner{S: string(b)}
	err := f.Object(func(name string) error {
		switch name {
		case "results":
			v.Results = make([]record, 0, batchSize)
			return f.List(func() error {
				r, err := decodeRecord(&f)
				v.Results = append(v.Results, r)
				return err
			})
		case "total":
			text, err := f.Text()
			v.Total, _ = strconv.Atoi(text)
			return err
		case "status":
			text, err := f.Text()
			v.Status = text
			return err
		case "paging":
			var p paging
			raw, err := f.Raw()
			if err == nil {
				err = transport.Unmarshal([]byte(raw), &p)
			}
			v.After = p.Next.After
			return err
		case "errors":
			raw, err := f.Raw()
			if err != nil {
				return err
			}
			return transport.Lenient(json.Unmarshal([]byte(raw), &v.Errors))
		}
		_, err := f.Raw()
		return err
	})
	if err != nil {
		return nil, err
	}
	if !f.End() {
		return nil, transport.ErrNotJSON
	}
	return v, nil
}

func decodeRecord(f *transport.Scanner) (r record, err error) {
	err = f.Object(func(name string) error {
		switch name {
		case "id":
			r.ID, err = f.Text()
		case "properties":
			r.Properties, err = f.Raw()
		case "propertiesWithHistory":
			r.History, err = f.Raw()
		case "createdAt":
			r.CreatedAt, err = f.Text()
		case "updatedAt":
			r.UpdatedAt, err = f.Text()
		case "archived":
			var text string
			text, err = f.Text()
			r.Archived = text == "true"
		default:
			_, err = f.Raw()
		}
		return err
	})
	return r, err
}

// versions are a record's history by property; what cannot be read is left out.
func (r *record) versions() map[string][]version {
	out := map[string][]version{}
	f := transport.Scanner{S: r.History}
	f.Object(func(name string) error {
		var list []version
		err := f.List(func() error {
			var v version
			raw, err := f.Raw()
			transport.EachProperty(raw, func(key, value string) {
				switch key {
				case "value":
					v.Value = value
				case "timestamp":
					v.Timestamp = value
				case "sourceType":
					v.SourceType = value
				case "sourceId":
					v.SourceID = value
				case "updatedByUserId":
					v.UserID = value
				}
			})
			list = append(list, v)
			return err
		})
		out[name] = list
		return err
	})
	return out
}

type paging struct {
	Next struct {
		After string `json:"after"`
	} `json:"next"`
}

// batchRead is the body of a batch read.
type batchRead struct {
	Properties []string `json:"properties"`
	History    []string `json:"propertiesWithHistory"`
	Inputs     []idOnly `json:"inputs"`
}

type idOnly struct {
	ID string `json:"id"`
}

func idInputs(ids []string) []idOnly {
	in := make([]idOnly, len(ids))
	for i, id := range ids {
		in[i].ID = id
	}
	return in
}

// splitList takes HubSpot's lists apart: values between semicolons.
func splitList(s string) []string {
	if s == "" {
		return nil
	}
	parts := strings.Split(s, ";")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return slices.DeleteFunc(parts, func(p string) bool { return p == "" })
}
