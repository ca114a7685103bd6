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
	"github.com/intentd/intentd/connectors/internal/crmkit"
)

// clears is what a field of a CSV row says to empty the field; an empty one leaves it as it is.
const clears = "#N/A"

// errTooLarge says that rows do not fit into one bulk job.
var errTooLarge = errors.New("the rows do not fit into one bulk job")

// table is rows of an object as CSV, with the columns that any patch sets. The newest patch of a record counts, field by field.
// Values that no field can hold are sent as they are: Salesforce refuses them row by row.
func (c *Client) table(o *object, patches []connectors.Patch, columns []*crmkit.Own) ([]byte, error) {
	chains, err := c.chains(o, patches)
	if err != nil {
		return nil, err
	}
	column := make(map[string]int, len(columns))
	cells := []string{"Id"}
	for i, f := range columns {
		column[f.Name] = i + 1
		cells = append(cells, f.Property)
	}
	var b bytes.Buffer
	b.Grow(roomOf(patches))
	w := csv.NewWriter(&b)
	w.Write(cells) // a bytes.Buffer takes everything
	for _, chain := range chains {
		clear(cells)
		cells[0], _ = normalID(patches[chain[0]].ID)
		for _, i := range chain {
			for name, v := range patches[i].Fields {
				if at := column[name]; at > 0 {
					cells[at] = cell(columns[at-1].Type, v)
				}
			}
		}
		if w.Write(cells); b.Len() > mostBulkBytes {
			return nil, errTooLarge
		}
	}
	w.Flush()
	return b.Bytes(), nil
}

// roomOf is about how many bytes patches take as a table, so that it need not grow.
func roomOf(patches []connectors.Patch) (n int) {
	for i := range patches {
		n += 24
		for _, v := range patches[i].Fields {
			n += len(v) + 8 // a comma, quotes, the rest of a date
		}
	}
	return min(n, mostBulkBytes)
}

// cell is a canonical value as a table holds it.
func cell(t connectors.FieldType, v string) string {
	if v == "" {
		return clears
	}
	v = strings.ReplaceAll(v, "\r\n", "\n") // the job says that lines end with LF
	if wire, err := toWire(t, v); err == nil {
		return fmt.Sprint(wire)
	}
	return v
}

// chains are the patches of each record by their index, oldest first.
func (c *Client) chains(o *object, patches []connectors.Patch) ([][]int, error) {
	at := make(map[string]int, len(patches))
	all := make([]int, len(patches)) // what chains of one are cut from
	chains := make([][]int, 0, len(patches))
	for i := range patches {
		p := &patches[i]
		id, ok := c.recordID(p.Ref)
		if !ok || p.CRM != c.o.Name || p.Object != o.name {
			return nil, fmt.Errorf("%s is no %s of this org", p.Ref, o.name)
		}
		o.ahead.drop(id)
		n, known := at[id]
		if !known {
			all[i], at[id] = i, len(chains)
			chains = append(chains, all[i:i+1:i+1])
			continue
		}
		chains[n] = append(chains[n], i)
	}
	return chains, nil
}

// columnsOf are the fields that any of patches sets, the verdict apart, in order of their API names.
func (o *object) columnsOf(patches []connectors.Patch) ([]*crmkit.Own, error) {
	set := map[string]*crmkit.Own{}
	for i := range patches {
		for name := range patches[i].Fields {
			f := o.Own[name]
			if f == nil {
				return nil, fmt.Errorf("intentd has no field %q", name)
			}
			if !f.RepEdits {
				set[f.Property] = f
			}
		}
	}
	return slices.SortedFunc(maps.Values(set), func(a, b *crmkit.Own) int { return strings.Compare(a.Property, b.Property) }), nil
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
