package sandbox

import (
	"encoding/json"
	"testing"
	"unicode/utf8"
)

// collect reads any JSON value with the reader, as encoding/json would.
func collect(r *jsonReader) any {
	switch r.peek() {
	case '{':
		m := map[string]any{}
		r.object(func(key []byte) { k := string(key); m[k] = collect(r) })
		return m
	case '[':
		l := []any{}
		r.array(func() { l = append(l, collect(r)) })
		return l
	case '"':
		return string(r.str())
	}
	at := r.i
	r.skip()
	if r.err != nil {
		return nil
	}
	return json.RawMessage(r.b[at:r.i])
}

func FuzzJSONReader(f *testing.F) {
	for _, s := range []string{
		`{"a":[1,-0.5e+3,true,false,null,"x\u00e9\ud83d\ude00\ud83d\n"],"b":{}}`, `[`, `{"a"}`, `"\u12"`, `01`, `-`, `1.`, `[1,]`, `{"a":1,}`, ` [ ] `, `"\ud800"`, `tru`, "\"\x01\"", `[[[[]]]]`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return // refused before it is read
		}
		r := &jsonReader{b: []byte(s)}
		got := collect(r)
		r.end()
		if (r.err == nil) != json.Valid([]byte(s)) {
			if r.err != nil && r.depth > maxDepth {
				return
			}
			t.Fatalf("%q: %v, encoding/json says %v", s, r.err, json.Valid([]byte(s)))
		}
		if r.err != nil {
			return
		}
		var want any
		if err := json.Unmarshal([]byte(s), &want); err != nil {
			return // a number out of range
		}
		a, errA := json.Marshal(got)
		var again any
		if errA == nil {
			errA = json.Unmarshal(a, &again)
		}
		b, _ := json.Marshal(want)
		c, _ := json.Marshal(again)
		if errA != nil || string(b) != string(c) {
			t.Fatalf("%q: read as %s, want %s", s, c, b)
		}
	})
}

func FuzzAppendQuoted(f *testing.F) {
	f.Add("plain")
	f.Add("\"\\\n\r\t\x00\x1f\u2028é")
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return // values are valid UTF-8
		}
		var back string
		if err := json.Unmarshal(appendQuoted(nil, s), &back); err != nil || back != s {
			t.Fatalf("%q became %q: %v", s, back, err)
		}
	})
}

func TestSyntaxErrorsTellWhere(t *testing.T) {
	r := &jsonReader{b: []byte("{\n \"a\": nope}")}
	r.skip()
	if r.err == nil || r.err.Error() != "Invalid input JSON on line 2, column 7: Unrecognized token" {
		t.Errorf("got %v", r.err)
	}
}
