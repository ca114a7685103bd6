package salesforce

import (
	"testing"

	"github.com/intentd/intentd/connectors"
)

// A version counts as stored when the host comes back with the cursor behind it, and not before; a cursor that did not move proves
// nothing; memory has a bound.
func TestTold(t *testing.T) {
	var m told
	a, b, c := connectors.Cursor("a"), connectors.Cursor("b"), connectors.Cursor("c")
	v := version{"00Q", 1000}
	m.tell(a, b, []version{v}, 0, 2000)
	m.confirm(a)
	if m.has(v) {
		t.Error("stored before the host came back")
	}
	m.confirm(b)
	if !m.has(v) {
		t.Error("not stored when the host came back")
	}
	w := version{"00Q", 1001}
	m.tell(b, b, []version{w}, 0, 2000)
	m.confirm(b)
	if m.has(w) {
		t.Error("stored by a cursor that did not move")
	}
	m.tell(b, c, []version{{"00Q", 1990}}, 0, 2000)
	m.confirm(c)
	if m.has(version{"00Q", 1990}) {
		t.Error("a version that may still change under its stamp was stored")
	}
	m.tell(c, c, nil, 1001, 2000)
	if m.has(v) {
		t.Error("what the lookback does not reach is remembered")
	}
	many := make([]version, mostStored)
	for i := range many {
		many[i] = version{"00Q", int64(i)}
	}
	m.tell(a, b, many, 0, 1e9)
	m.confirm(b)
	m.tell(b, c, many, 0, 1e9)
	m.confirm(c)
	if len(m.stored) > mostStored {
		t.Errorf("%d versions", len(m.stored))
	}
}
