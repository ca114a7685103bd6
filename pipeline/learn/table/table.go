// Package table reads people and their outcomes from CSV files: one row a person, a header first, separated by commas, semicolons or tabs; or from JSON lines: one flat object a
// person. A file is read several times, a row at a time, so that its size does not matter.
//
// A row that cannot be used is left out and counted by its reason. What makes the whole file useless is an error of one sentence that says what to do.
package table

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"unicode"
)

// Table is a CSV file, or one of JSON lines.
type Table struct {
	Path   string
	Header []string
	comma  rune
	lines  bool // JSON lines
}

// Open reads the header.
func Open(path string) (*Table, error) {
	t := &Table{Path: path, comma: ','}
	f, in, err := t.open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	first, err := in.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if strings.TrimSpace(first) == "" {
		return nil, fmt.Errorf("%s is empty: its first line must name the columns", path)
	}
	if t.lines = strings.HasPrefix(strings.TrimSpace(first), "{"); t.lines {
		return t, t.readKeys()
	}
	for _, c := range ";\t" {
		if strings.Count(first, string(c)) > strings.Count(first, string(t.comma)) {
			t.comma = c
		}
	}
	head := csv.NewReader(strings.NewReader(first))
	head.Comma, head.LazyQuotes = t.comma, true
	if t.Header, err = head.Read(); err != nil {
		return nil, fmt.Errorf("%s: its first line does not name columns: %w", path, err)
	}
	for i := range t.Header {
		t.Header[i] = printable(t.Header[i])
	}
	return t, nil
}

// printable is the name of a column without signs that a terminal would obey: errors name columns.
func printable(name string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, name))
}

// open opens the file behind its byte order mark.
func (t *Table) open() (*os.File, *bufio.Reader, error) {
	if info, err := os.Stat(t.Path); err == nil && info.IsDir() {
		return nil, nil, fmt.Errorf("%s is a directory: name a CSV file in it", t.Path)
	}
	f, err := os.Open(t.Path)
	var path *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, fmt.Errorf("%s: there is no such file", t.Path)
	case errors.As(err, &path):
		return nil, nil, fmt.Errorf("%s: %w: make it readable for yourself", t.Path, path.Err)
	case err != nil:
		return nil, nil, err
	}
	in := bufio.NewReaderSize(f, 1<<16)
	if bom, _ := in.Peek(3); string(bom) == "\ufeff" {
		_, _ = in.Discard(3)
	}
	return f, in, nil
}

// Column is the index of a column by its name; case, spaces and signs do not matter where the exact name is not there. The error says which columns there are.
func (t *Table) Column(name, flag string) (int, error) {
	if i := slices.Index(t.Header, name); i >= 0 {
		return i, nil
	}
	if i := slices.IndexFunc(t.Header, func(h string) bool { return folded(h) == folded(name) }); i >= 0 {
		return i, nil
	}
	known := t.Header
	more := ""
	if len(known) > 20 {
		known, more = known[:20], " …"
	}
	return 0, fmt.Errorf("%s has no column %q: give %s one of %s%s", t.Path, name, flag, strings.Join(known, ", "), more)
}

// Rows goes through the rows. The cells are the callee's until it returns; a row of another length than the header is given as nil. It ends early where do says false.
func (t *Table) Rows(do func(cells []string) bool) error {
	f, in, err := t.open()
	if err != nil {
		return err
	}
	defer f.Close()
	if t.lines {
		return t.eachLine(in, do)
	}
	r := csv.NewReader(in)
	r.Comma, r.LazyQuotes, r.ReuseRecord, r.FieldsPerRecord = t.comma, true, true, -1
	if _, err := r.Read(); err != nil {
		return fmt.Errorf("%s: %w", t.Path, err)
	}
	for {
		cells, err := r.Read()
		var broken *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &broken):
			cells = nil
		case err != nil:
			return fmt.Errorf("%s: %w", t.Path, err)
		case len(cells) != len(t.Header):
			cells = nil
		}
		if !do(cells) {
			return nil
		}
	}
}
