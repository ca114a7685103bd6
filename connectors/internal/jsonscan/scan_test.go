package jsonscan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
)

// A scanner reads what encoding/json reads, and nothing it is given brings it down or makes it read beyond the end.
func FuzzScanner(f *testing.F) {
	for _, s := range []string{`{"a":[1,{"b":"c\"d"},null],"e":true}`, `[]`, `{"a":`, `"\\"`, `{"a":{"b":[[[]]]},"c":-1.5e3}`, "{\"\xff\":1}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p := Scanner{S: s}
		members := 0
		err := p.Object(func(string) error { members++; _, err := p.Raw(); return err })
		var m map[string]json.RawMessage
		if json.Unmarshal([]byte(s), &m) == nil && (err != nil || !p.End() || members < len(m)) {
			t.Errorf("%q: %v, %d members of %d", s, err, members, len(m))
		}
		q := Scanner{S: s}
		q.List(func() error { _, err := q.Text(); return err })
		EachProperty(s, func(string, string) {})
	})
}

// Flat members come out as text, nested ones are left out.
func TestEachProperty(t *testing.T) {
	var got []string
	EachProperty(` { "a" : "x\ny", "b":null, "n":-1.5, "t":true, "o":{"a":"no"}, "l":["no"], "z":"" }`, func(name, v string) { got = append(got, name+"="+v) })
	if s := fmt.Sprintf("%q", got); s != `["a=x\ny" "b=" "n=-1.5" "t=true" "z="]` {
		t.Error(s)
	}
}

// Where a run ends does not depend on where in the eight bytes that are looked at together it does, or on what follows.
func TestRunEndsAtEveryPlace(t *testing.T) {
	for c := range 256 {
		ends := c == '"' || c == '\\' || c < ' ' || c >= 0x80
		for at := range 20 {
			for _, around := range []byte{'a', ' ', 0x7f, '!', '#', '[', ']'} {
				b := bytes.Repeat([]byte{around}, 20)
				b[at] = byte(c)
				for _, after := range []byte{around, '"', 0, 0xff} {
					if at < 19 {
						b[at+1] = after
					}
					want := at
					if !ends {
						if want = 20; after != around && at < 19 {
							want = at + 1
						}
					}
					if got := run(string(b), 0); got != want {
						t.Fatalf("%q ends at %d, want %d", b, got, want)
					}
				}
			}
		}
	}
}
