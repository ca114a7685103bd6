package pipeline_test

import (
	"slices"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/operate"
)

// TestReleaseLetsHeldFieldsGo: what a person holds is counted and stands in the explanation at once; a release lets the next write
// take it again, and what is changed after that is a person's again.
func TestReleaseLetsHeldFieldsGo(t *testing.T) {
	w := newWorld(t).start()
	email := w.buyer("1")
	w.buyer("2")
	w.once()
	ours := w.crm.ours("1")[connectors.FieldHeadline]
	edit := func(text string) {
		t.Helper()
		w.clock.advance(2 * time.Hour)
		w.crm.put("1", "", func(c *connectors.Contact) {
			c.Ours[connectors.FieldHeadline], c.Ours[connectors.FieldProduct] = text, text
		})
		w.once()
	}
	held := func(want ...string) {
		t.Helper()
		r, err := operate.Explain(t.Context(), w.p, email)
		if err != nil || !slices.Equal(r.Held, want) {
			t.Errorf("explain tells of %q as held, %v; want %q", r.Held, err, want)
		}
		fields, records, err := operate.HeldFields(t.Context(), w.p)
		if err != nil || len(fields) != len(want) || records != min(1, len(want)) {
			t.Errorf("counted %v in %d records, %v", fields, records, err)
		}
	}
	held()
	edit("Anna's own words")
	held(connectors.FieldHeadline, connectors.FieldProduct)
	w.clock.advance(2 * time.Hour)
	got, err := operate.Release(t.Context(), w.p, email, connectors.FieldHeadline)
	if err != nil || got.Records != 1 || got.Fields != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	w.once()
	if now := w.crm.ours("1"); now[connectors.FieldHeadline] != ours || now[connectors.FieldProduct] != "Anna's own words" {
		t.Errorf("headline %q, product %q", now[connectors.FieldHeadline], now[connectors.FieldProduct])
	}
	held(connectors.FieldProduct)
	if got, err = operate.Release(t.Context(), w.p, "", ""); err != nil || got.Fields != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	w.once()
	held()
	edit("Anna insists")
	held(connectors.FieldHeadline, connectors.FieldProduct)
	w.crm.failRead = &connectors.Error{Kind: connectors.Transient, Op: "read", Message: "HTTP 502"}
	if got, err = operate.Release(t.Context(), w.p, "", ""); err != nil || got.Fields != 0 || len(got.Unread) != 1 || got.Failure == "" {
		t.Errorf("with a CRM that cannot be read: %+v, %v", got, err)
	}
	if _, err := operate.Release(t.Context(), w.p, "", "headlin"); err == nil {
		t.Error("an unknown field was taken")
	}
}
