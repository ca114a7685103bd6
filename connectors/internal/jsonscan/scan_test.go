package jsonscan

import (
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
