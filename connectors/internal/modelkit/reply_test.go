package modelkit

import (
	"errors"
	"strings"
	"testing"

	"github.com/intentd/intentd/connectors"
)

// What models really send is read: in a code fence, twice, after thinking aloud, with words around it. What is cut or broken is no answer,
// and a whole part of it is none either.
func TestFirstJSON(t *testing.T) {
	const want = `{"answers":[{"id":"1"}]}`
	for name, text := range map[string]string{
		"plain":           want,
		"space around":    "\n " + want + "\n",
		"fence":           "```json\n" + want + "\n```",
		"fence, no name":  "```\n" + want + "\n```\n",
		"fence in prose":  "Here {as you asked} it is:\n```json\n" + want + "\n```\nAnything else?",
		"twice":           want + "\n" + want,
		"twice, cut":      want + want[:10],
		"prose before":    "Here is the JSON: " + want,
		"thoughts before": "<think>They {want} to buy.</think>\n" + want,
	} {
		if got, ok := firstJSON(text); !ok || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, ok)
		}
	}
	for name, text := range map[string]string{
		"nothing": "", "prose": "Certainly! I found [nothing].", "cut": want[:len(want)-2], "cut behind a whole part": `{"answers":[{"id":"1"},{"id":"2"`, "broken": `{"answers":[{"id":"1"},}`,
		"cut in a fence": "```json\n" + want[:len(want)-1],
	} {
		if got, ok := firstJSON(text); ok {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// A whole answer is used though the model went on until it was cut; a doubt without one tells why; an answer off its form says only that.
func TestAnswer(t *testing.T) {
	cut := Unusable("op", "cut", "cut")
	if raw, e := answer("op", Reply{Text: `{"a":1}{"a":`, Doubt: cut}, connectors.Prompt{}); e != nil || string(raw) != `{"a":1}` {
		t.Errorf("cut behind a whole answer: %s, %v", raw, e)
	}
	for text, code := range map[string]string{"": "empty", "{}": "empty", "[]": "empty", "null": "empty", "Sorry.": "not_json", `{"a":1}`: "off_schema"} {
		_, e := answer("op", Reply{Text: text}, connectors.Prompt{Check: func([]byte) error { return errors.New("no b: secret words") }})
		if e == nil || e.Code != code || e.Kind != connectors.Rejected || strings.Contains(e.Error(), "secret") {
			t.Errorf("%q: %v, want %s", text, e, code)
		}
	}
	if _, e := answer("op", Reply{Text: `{"a":`, Doubt: cut}, connectors.Prompt{}); e != cut {
		t.Errorf("cut: %v", e)
	}
}

// What the vendor does not tell of its tokens is estimated, each part by itself.
func TestUsageIsCompleted(t *testing.T) {
	m := New(Options{Price: Price{In: 1, Out: 2, Cached: 0.5}})
	p := connectors.Prompt{User: strings.Repeat("x", 396)}
	for _, c := range []struct {
		told, want connectors.Usage
	}{
		{connectors.Usage{}, connectors.Usage{Calls: 1, In: 100, Out: 11, MicroUSD: 122}},
		{connectors.Usage{In: 90}, connectors.Usage{Calls: 1, In: 90, Out: 11, MicroUSD: 112}},
		{connectors.Usage{In: 90, Out: 5, Thoughts: 7, Cached: 40}, connectors.Usage{Calls: 1, In: 90, Out: 5, Thoughts: 7, Cached: 40, MicroUSD: 94}},
		{connectors.Usage{In: -1, Out: -1, Thoughts: -1, Cached: -1}, connectors.Usage{Calls: 1, In: 100, Out: 11, MicroUSD: 122}},
	} {
		if got := m.usage(Reply{Text: strings.Repeat("y", 40), Usage: c.told}, p); got != c.want {
			t.Errorf("told %+v: %+v, want %+v", c.told, got, c.want)
		}
	}
}
