package salesforce

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
)

// clears is what a field of a CSV row says to empty the field; an empty one leaves it as it is.
const clears = "#N/A"

// errTooLarge says that rows do not fit into one bulk job.
var errTooLarge = errors.New("the rows do not fit into one bulk job")

// table is rows of an object as CSV. The newest patch of a record counts, field by field. Values that no field can hold are sent as they
// are: Salesforce refuses them row by row.
func (c *Client) table(o *object, patches []connectors.Patch) ([]byte, error) {
	at := map[string]int{}
	var ids []string
	var sets []map[string]string
	columns := map[string]bool{}
	for i := range patches {
		p := &patches[i]
		id, ok := c.recordID(p.Ref)
		if !ok || p.CRM != c.o.Name || p.Object != o.name {
			return nil, fmt.Errorf("%s is no %s of this org", p.Ref, o.name)
		}
		n, known := at[id]
		if !known {
			n = len(ids)
			at[id] = n
			ids, sets = append(ids, id), append(sets, map[string]string{})
		}
		for name, v := range p.Fields {
			f := o.own[name]
			if f == nil {
				return nil, fmt.Errorf("intentd has no field %q", name)
			}
			if f.RepEdits {
				continue
			}
			columns[f.api] = true
			if v == "" {
				sets[n][f.api] = clears
				continue
			}
			sets[n][f.api] = strings.ReplaceAll(v, "\r\n", "\n") // the job says that lines end with LF
			if wire, err := toWire(f.Type, sets[n][f.api]); err == nil {
				sets[n][f.api] = fmt.Sprint(wire)
			}
		}
	}
	names := slices.Sorted(maps.Keys(columns))
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	cells := append([]string{"Id"}, names...)
	w.Write(cells) // a bytes.Buffer takes everything
	for n, id := range ids {
		cells = append(cells[:0], id)
		for _, name := range names {
			cells = append(cells, sets[n][name])
		}
		w.Write(cells)
		if b.Len() > mostBulkBytes {
			return nil, errTooLarge
		}
	}
	w.Flush()
	return b.Bytes(), nil
}

// rowsOfTable calls f with the cells of each row of a result that stand in columns. One that is not there is "". f must not keep
// the cells.
func rowsOfTable(from io.Reader, columns []string, f func(cells []string)) error {
	b := bufio.NewReader(from)
	if mark, err := b.Peek(3); err == nil && string(mark) == "\xef\xbb\xbf" {
		b.Discard(3)
	}
	r := csv.NewReader(b)
	r.ReuseRecord, r.FieldsPerRecord, r.LazyQuotes = true, -1, true
	head, err := r.Read()
	if err == io.EOF {
		return nil
	}
	if err != nil {
		return err
	}
	at := make([]int, len(columns))
	for i, column := range columns {
		at[i] = slices.IndexFunc(head, func(name string) bool {
			return strings.EqualFold(strings.TrimSpace(name), column)
		})
	}
	picked := make([]string, len(columns))
	for {
		row, err := r.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		for i, n := range at {
			if picked[i] = ""; n >= 0 && n < len(row) {
				picked[i] = row[n]
			}
		}
		f(picked)
	}
}
