package salesforce

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// record is a record as it came: a JSON object of its fields.
type record string

// page is the answer to a query.
type page struct {
	total   int
	done    bool
	next    string // the locator, to be followed as it stands
	records []record
}

// each calls f with every field that is no object or list.
func (r record) each(f func(name, value string)) { transport.EachProperty(string(r), f) }

// values are a record's fields by name, those of parents under Parent.Name.
func (r record) values() map[string]string {
	m := map[string]string{}
	flatten(string(r), "", m)
	return m
}

func flatten(raw, prefix string, into map[string]string) {
	s := transport.Scanner{S: raw}
	_ = s.Object(func(name string) error { // the page was checked as a whole
		if name == "attributes" || s.Nested() {
			inner, err := s.Raw()
			if err == nil && name != "attributes" && prefix == "" && inner[0] == '{' {
				flatten(inner, name+".", into)
			}
			return err
		}
		v, err := s.Text()
		into[prefix+name] = v
		return err
	})
}

func decodePage(b []byte) (*page, error) {
	p := new(page)
	s := transport.Scanner{S: string(b)}
	list := false
	err := s.Object(func(name string) error {
		switch name {
		case "records":
			list = true
			return s.List(func() error {
				raw, err := s.Raw()
				p.records = append(p.records, record(strings.Clone(raw)))
				return err
			})
		case "totalSize":
			text, err := s.Text()
			p.total, _ = strconv.Atoi(text)
			return err
		case "done":
			text, err := s.Text()
			p.done = text == "true"
			return err
		case "nextRecordsUrl":
			text, err := s.Text()
			p.next = text
			return err
		}
		_, err := s.Raw()
		return err
	})
	if err == nil && !s.End() || !list {
		err = transport.ErrNotJSON // an answer without records taken for an empty one would lose what it should have told
	}
	return p, err
}

// query makes one request; all includes deleted records and archived activities.
func (c *Client) query(ctx context.Context, op, soql string, all bool) (*page, *transport.Response, error) {
	resource := "/query"
	if all {
		resource = "/queryAll"
	}
	return c.queryPath(ctx, op, c.data+resource+"?q="+escapeQuery(soql))
}

func (c *Client) queryPath(ctx context.Context, op, path string) (*page, *transport.Response, error) {
	r := transport.Get(op, path)
	r.Header = http.Header{"Sforce-Query-Options": {"batchSize=" + strconv.Itoa(pageSize)}}
	var p *page
	r.Decode = func(a *transport.Response) (err error) {
		p, err = decodePage(a.Body)
		return err
	}
	resp, err := c.http.Do(ctx, r)
	return p, resp, err
}

// locatorTries is how often a query begins anew because its locator ended with the session.
const locatorTries = 3

// rows follows a query to its end. Locators die with their session: the query then begins anew.
func (c *Client) rows(ctx context.Context, op, soql string, all bool) ([]record, error) {
	for try := 1; ; try++ {
		p, _, err := c.query(ctx, op, soql, all)
		var found []record
		for err == nil {
			found = append(found, p.records...)
			if p.done || p.next == "" {
				return found, nil
			}
			p, _, err = c.queryPath(ctx, op, p.next)
		}
		if e, ok := err.(*connectors.Error); !ok || e.Code != codeLocator || try == locatorTries {
			return nil, err
		}
	}
}

// rowsOf asks about ids in as many queries as their addresses need; soql makes one for a list of ids: ('a','b').
func (c *Client) rowsOf(ctx context.Context, op string, ids []string, all bool, soql func(list string) string) ([]record, error) {
	room := longestURI - len(c.data) - len("/queryAll?q=") - len(escapeQuery(soql("()")))
	n := max(room/(len("'',")+18)/max(strings.Count(soql("\x00"), "\x00"), 1), 1)
	var found []record
	for chunk := range slices.Chunk(ids, n) {
		rows, err := c.rows(ctx, op, soql(idList(chunk)), all)
		if err != nil {
			return nil, err
		}
		found = append(found, rows...)
	}
	return found, nil
}

// idList is ids as a SOQL list. Ids hold letters and digits alone.
func idList(ids []string) string { return "('" + strings.Join(ids, "','") + "')" }

// quote is s as a SOQL string.
func quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// escapeQuery is s as a query parameter. Unlike url.QueryEscape it leaves what may stand there, such as quotes and commas, for an
// address has room for 16,384 bytes and lists of ids consist of them.
func escapeQuery(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-_.~'(),:=*", c) >= 0:
			b.WriteByte(c)
		case c == ' ':
			b.WriteByte('+')
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}
