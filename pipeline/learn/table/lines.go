package table

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// mostKeys bounds the columns of JSON lines: a file whose keys are data would have one a line.
const mostKeys = 2000

// readKeys makes the header of all keys of all lines, in the order in which they first come.
func (t *Table) readKeys() error {
	f, in, err := t.open()
	if err != nil {
		return err
	}
	defer f.Close()
	seen := map[string]bool{}
	err = t.objects(in, func(line []byte) bool {
		_ = pairs(line, func(key, _ string) {
			if !seen[key] {
				seen[key] = true
				t.Header = append(t.Header, key)
			}
		})
		return len(seen) <= mostKeys
	})
	switch {
	case err != nil:
		return err
	case len(seen) > mostKeys:
		return fmt.Errorf("%s has lines with more than %d different keys: write one flat object a person, with the same keys in each", t.Path, mostKeys)
	case len(t.Header) == 0:
		return fmt.Errorf("%s: no line in it is a flat JSON object", t.Path)
	}
	return nil
}

// eachLine goes through the lines as rows. What is no flat object is given as nil; a key that a line does not have is an empty cell.
func (t *Table) eachLine(in *bufio.Reader, do func(cells []string) bool) error {
	at := make(map[string]int, len(t.Header))
	for i, name := range t.Header {
		at[name] = i
	}
	cells := make([]string, len(t.Header))
	return t.objects(in, func(line []byte) bool {
		clear(cells)
		if err := pairs(line, func(key, value string) {
			if i, ok := at[key]; ok {
				cells[i] = value
			}
		}); err != nil {
			return do(nil)
		}
		return do(cells)
	})
}

// objects goes through the lines that are not empty.
func (t *Table) objects(in *bufio.Reader, do func(line []byte) bool) error {
	for {
		line, err := in.ReadBytes('\n')
		if trimmed := bytes.TrimSpace(line); len(trimmed) > 0 && !do(trimmed) {
			return nil
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("%s: %w", t.Path, err)
		}
	}
}

var errNotFlat = errors.New("no flat object")

// pairs visits the keys and values of a flat object, in their order.
func pairs(line []byte, visit func(key, value string)) error {
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return errNotFlat
	}
	var found [][2]string
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		value, err := d.Token()
		if err != nil {
			return err
		}
		cell := ""
		switch v := value.(type) {
		case nil:
		case json.Delim:
			return errNotFlat
		default:
			cell = fmt.Sprint(v)
		}
		found = append(found, [2]string{printable(key.(string)), cell})
	}
	if _, err := d.Token(); err != nil {
		return err
	}
	for _, p := range found {
		visit(p[0], p[1])
	}
	return nil
}
