package connectortest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
)

var readCases = []crmCase{
	{name: "one contact per ref in the order of refs, with its state", run: readsInOrder},
	{name: "any number of refs", run: readsMany},
	{name: "a merged record leads to its survivor", run: readsMerged},
	{name: "own values are read in canonical form", run: readsOwnValues},
	{name: "nothing asked, nothing sent", run: nothingAsked},
	{name: "who is named is found in one call", run: findsNamed},
}

var writeCases = []crmCase{
	{name: "one result per patch in order, absolute values, safe to repeat", run: writesInOrder},
	{name: "more patches than a batch holds, several of one record", run: writesMany},
	{name: "a bad row fails alone with the vendor's words", run: badRowAlone},
	{name: "gone records are told with what became of them", run: writesGone},
	{name: "an empty value clears", run: writesEmpty},
	{name: "foreign fields are untouched, the verdict is never written", run: writesOnlyOwn},
	{name: "a value no field can hold is rejected, not sent", run: writesNonsense},
	{name: "a missing field is told once for all rows", run: missingField},
}

func write(t *testing.T, crm connectors.CRM, patches ...connectors.Patch) []connectors.Result {
	t.Helper()
	results, err := crm.Write(t.Context(), patches)
	if err != nil {
		t.Fatalf("Write: %v", err)
	}
	if len(results) != len(patches) {
		t.Fatalf("%d results for %d patches", len(results), len(patches))
	}
	for i, r := range results {
		if r.Ref != patches[i].Ref {
			t.Fatalf("result %d is about %s, the patch about %s", i, r.Ref, patches[i].Ref)
		}
	}
	return results
}

func wantNoErrors(t *testing.T, results []connectors.Result) {
	t.Helper()
	for i, r := range results {
		if r.Err != nil {
			t.Fatalf("result %d: %v", i, r.Err)
		}
	}
}

func patch(ref connectors.Ref, pairs ...string) connectors.Patch {
	p := connectors.Patch{Ref: ref, Fields: map[string]string{}}
	for i := 0; i+1 < len(pairs); i += 2 {
		p.Fields[pairs[i]] = pairs[i+1]
	}
	return p
}

// fullPatch sets every field that intentd writes.
func fullPatch(ref connectors.Ref, n int) connectors.Patch {
	return patch(ref,
		connectors.FieldScore, fmt.Sprintf("%d.4", n%100),
		connectors.FieldTier, "medium",
		connectors.FieldTierSince, "2026-11-19T08:17:00Z",
		connectors.FieldHeadline, "Compares prices – “premium” & more",
		connectors.FieldSummary, "Line one\nLine two: <b> \\ \"quoted\" é 漢",
		connectors.FieldReasons, "volume 24.0\nrecency 23.6",
		connectors.FieldProduct, "Credit cards",
		connectors.FieldInterest, "high",
		connectors.FieldTopics, "CRM; sales enablement",
		connectors.FieldStage, "comparing",
		connectors.FieldTrend, "rising",
		connectors.FieldCoolsOn, "2026-12-01",
		connectors.FieldLastSignalAt, "2026-11-19T08:00:00Z",
		connectors.FieldScoredAt, "2026-11-19T08:17:05Z",
	)
}

func wantOwn(t *testing.T, h CRMHarness, p connectors.Patch) {
	t.Helper()
	want := map[string]string{}
	for k, v := range p.Fields {
		if v != "" {
			want[k] = v
		}
	}
	got := h.Own(t, p.Ref)
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s: the CRM has %s = %q, want %q", p.Ref, k, got[k], v)
		}
	}
}

// findsNamed is for CRMs that search by name.
func findsNamed(t *testing.T, h CRMHarness) {
	refs := h.Create(t, 4)
	crm := h.Connect(t)
	searcher, ok := crm.(connectors.NameSearcher)
	if !ok {
		t.Skip("it does not search by name")
	}
	time.Sleep(h.Figures().Lag)
	known, err := crm.Read(t.Context(), refs[1:2])
	if err != nil {
		t.Fatal(err)
	}
	who := known[0].Profile
	if who.LastName == "" {
		t.Fatal("the record has no name: the case is none")
	}
	for _, words := range []string{who.LastName, "nobody {goes} by-that 'name'"} {
		if _, err := searcher.Named(t.Context(), words, 50); err != nil {
			t.Fatalf("%q: %v", words, err)
		}
	}
	before := h.Requests()
	found, err := searcher.Named(t.Context(), strings.TrimSpace(who.FirstName+" "+who.LastName), 50)
	if err != nil || h.Requests()-before != 1 {
		t.Fatalf("%d requests, %v", h.Requests()-before, err)
	}
	i := slices.IndexFunc(found, func(k connectors.Contact) bool { return k.Ref == refs[1] })
	if i < 0 || found[i].Profile.LastName != who.LastName || found[i].Profile.FirstName != who.FirstName {
		t.Errorf("found %+v, want %s", found, refs[1])
	}
	if none, err := searcher.Named(t.Context(), "nobody goes by that", 50); err != nil || len(none) > 0 {
		t.Errorf("nobody's name finds %+v, %v", none, err)
	}
}

func readsInOrder(t *testing.T, h CRMHarness) {
	refs := h.Create(t, 8)
	crm := h.Connect(t)
	h.Archive(t, refs[1])
	h.Erase(t, refs[2])
	h.Change(t, refs[3:4], "Fresh") // reading is strongly consistent: no waiting
	never := refs[0]
	never.ID += "99999"
	odd := refs[0]
	odd.ID = "not an id"
	ask := []connectors.Ref{refs[3], refs[1], refs[0], refs[2], refs[3], never, odd, refs[7]}
	got, err := crm.Read(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(ask) {
		t.Fatalf("%d contacts for %d refs", len(got), len(ask))
	}
	for i, k := range got {
		if k.Ref != ask[i] {
			t.Errorf("contact %d is %s, want %s", i, k.Ref, ask[i])
		}
	}
	gone := func(s connectors.State) bool { return s == connectors.Erased || s == connectors.Deleted }
	for i, ok := range []bool{got[0].State == connectors.Live, got[1].State == connectors.Archived, got[2].State == connectors.Live, gone(got[3].State),
		got[4].State == connectors.Live, gone(got[5].State), gone(got[6].State), got[7].State == connectors.Live} {
		if !ok {
			t.Errorf("contact %d is %s", i, got[i].State)
		}
	}
	if got[0].Profile.JobTitle != "Fresh" || got[4].Profile.JobTitle != "Fresh" {
		t.Error("a change made before the read was not read")
	}
	if len(got[2].Emails) == 0 || got[2].Modified.IsZero() || got[2].Created.IsZero() {
		t.Errorf("a live contact lacks its address or stamps: %+v", got[2])
	}
}

func readsMany(t *testing.T, h CRMHarness) {
	refs := h.Create(t, 5*h.Figures().Batch/2)
	got, err := h.Connect(t).Read(t.Context(), refs)
	if err != nil {
		t.Fatal(err)
	}
	for i, k := range got {
		if k.Ref != refs[i] || k.State != connectors.Live || len(k.Emails) == 0 {
			t.Fatalf("contact %d of %d is %+v", i, len(refs), k)
		}
	}
	if len(got) != len(refs) {
		t.Fatalf("%d contacts for %d refs", len(got), len(refs))
	}
}

func readsMerged(t *testing.T, h CRMHarness) {
	refs := h.Create(t, 3)
	crm := h.Connect(t)
	survivor := h.Merge(t, refs[0], refs[1])
	got, err := crm.Read(t.Context(), []connectors.Ref{refs[1], survivor, refs[2]})
	if err != nil {
		t.Fatal(err)
	}
	if got[0].State != connectors.Merged || got[0].Into != survivor {
		t.Errorf("the merged record is %s into %s, want merged into %s", got[0].State, got[0].Into, survivor)
	}
	if got[1].State != connectors.Live {
		t.Errorf("the survivor is %s", got[1].State)
	}
	if got[2].State != connectors.Live {
		t.Errorf("a bystander is %s", got[2].State)
	}
}

func readsOwnValues(t *testing.T, h CRMHarness) {
	ref := h.Create(t, 1)[0]
	crm := h.Connect(t)
	want := fullPatch(ref, 64)
	wantNoErrors(t, write(t, crm, want))
	h.SetOwn(t, ref, connectors.FieldVerdict, "not_now")
	h.SetOwn(t, ref, connectors.FieldTier, "low")
	got, err := crm.Read(t.Context(), []connectors.Ref{ref})
	if err != nil {
		t.Fatal(err)
	}
	want.Fields[connectors.FieldVerdict], want.Fields[connectors.FieldTier] = "not_now", "low"
	if !maps.Equal(got[0].Ours, want.Fields) {
		t.Errorf("own values are read as\n%v, want\n%v", got[0].Ours, want.Fields)
	}
	for name := range got[0].Fields {
		for _, v := range []string{"intent_score", "Intent_Score__c"} {
			if name == v {
				t.Errorf("%s is among the inputs", name)
			}
		}
	}
}

func nothingAsked(t *testing.T, h CRMHarness) {
	crm := h.Connect(t)
	before := h.Requests()
	if got, err := crm.Read(t.Context(), nil); err != nil || len(got) != 0 {
		t.Errorf("Read(nil) = %d contacts, %v", len(got), err)
	}
	if got, err := crm.Write(t.Context(), nil); err != nil || len(got) != 0 {
		t.Errorf("Write(nil) = %d results, %v", len(got), err)
	}
	if n := h.Requests() - before; n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func writesInOrder(t *testing.T, h CRMHarness) {
	refs := h.Create(t, 3)
	crm := h.Connect(t)
	patches := []connectors.Patch{fullPatch(refs[2], 3), fullPatch(refs[0], 1), fullPatch(refs[1], 2)}
	for range 2 { // absolute values: sending them again changes nothing
		results := write(t, crm, patches...)
		wantNoErrors(t, results)
		for i, r := range results {
			wantOwn(t, h, patches[i])
			for k, v := range r.Stored {
				if want, set := patches[i].Fields[k]; set && want != v {
					t.Errorf("result %d says %s = %q is stored, want %q", i, k, v, want)
				}
			}
		}
	}
}

func writesMany(t *testing.T, h CRMHarness) {
	n := 2*h.Figures().Batch + 7
	refs := h.Create(t, n)
	crm := h.Connect(t)
	var patches []connectors.Patch
	for i, r := range refs {
		patches = append(patches, patch(r, connectors.FieldScore, fmt.Sprintf("%d.0", i%100)))
	}
	// The newest patch of a record comes last and must win.
	patches = append(patches, patch(refs[0], connectors.FieldScore, "11.1"), patch(refs[n-1], connectors.FieldScore, "22.2"), patch(refs[0], connectors.FieldScore, "33.3"))
	wantNoErrors(t, write(t, crm, patches...))
	for i, r := range refs {
		want := fmt.Sprintf("%d.0", i%100)
		switch i {
		case 0:
			want = "33.3"
		case n - 1:
			want = "22.2"
		}
		if got := h.Own(t, r)[connectors.FieldScore]; got != want {
			t.Fatalf("record %d has the score %q, want %q", i, got, want)
		}
	}
}

func badRowAlone(t *testing.T, h CRMHarness) {
	n := h.Figures().Batch + h.Figures().Batch/2
	refs := h.Create(t, n)
	bad := map[int]bool{0: true, n / 3: true, n - 1: true}
	for i := range bad {
		h.Resist(t, refs[i])
	}
	crm := h.Connect(t)
	var patches []connectors.Patch
	for i, r := range refs {
		patches = append(patches, patch(r, connectors.FieldScore, fmt.Sprintf("%d.5", i%100)))
	}
	results := write(t, crm, patches...)
	for i, r := range results {
		own := h.Own(t, refs[i])[connectors.FieldScore]
		if bad[i] {
			if connectors.KindOf(r.Err) != connectors.Rejected {
				t.Errorf("the bad row %d: %v, want Rejected", i, r.Err)
			} else if e := asError(r.Err); e.Message == "" {
				t.Errorf("the bad row %d does not say why", i)
			}
			if own != "" {
				t.Errorf("the bad row %d was written", i)
			}
			continue
		}
		if r.Err != nil || own != patches[i].Fields[connectors.FieldScore] {
			t.Fatalf("row %d: %v, the CRM has %q", i, r.Err, own)
		}
	}
}

func writesGone(t *testing.T, h CRMHarness) {
	refs := h.Create(t, 6)
	crm := h.Connect(t)
	survivor := h.Merge(t, refs[1], refs[2])
	h.Archive(t, refs[3])
	h.Erase(t, refs[4])
	results := write(t, crm, fullPatch(refs[0], 1), fullPatch(refs[2], 2), fullPatch(refs[3], 3), fullPatch(refs[4], 4), fullPatch(refs[5], 5))
	for _, i := range []int{0, 4} {
		if results[i].Err != nil {
			t.Errorf("a live row beside gone ones: %v", results[i].Err)
		}
	}
	states := []connectors.State{1: connectors.Merged, 2: connectors.Archived, 3: connectors.Erased}
	for i := 1; i <= 3; i++ {
		e := asError(results[i].Err)
		if e == nil || e.Kind != connectors.Gone {
			t.Errorf("row %d: %v, want Gone", i, results[i].Err)
			continue
		}
		if e.State != states[i] && !(i == 3 && e.State == connectors.Deleted) {
			t.Errorf("row %d is %s, want %s", i, e.State, states[i])
		}
	}
	if e := asError(results[1].Err); e != nil && e.Into != survivor {
		t.Errorf("the merged row leads to %s, want %s", e.Into, survivor)
	}
	wantOwn(t, h, fullPatch(refs[0], 1))
	wantOwn(t, h, fullPatch(refs[5], 5))
}

func writesEmpty(t *testing.T, h CRMHarness) {
	ref := h.Create(t, 1)[0]
	crm := h.Connect(t)
	wantNoErrors(t, write(t, crm, fullPatch(ref, 1)))
	cleared := fullPatch(ref, 1)
	for k := range cleared.Fields {
		cleared.Fields[k] = ""
	}
	wantNoErrors(t, write(t, crm, cleared))
	if own := h.Own(t, ref); len(own) > 0 {
		t.Errorf("cleared fields still hold %v", own)
	}
	before := h.Requests()
	wantNoErrors(t, write(t, crm, patch(ref)))
	if h.Requests() != before {
		t.Error("a patch without fields was sent")
	}
}

func writesOnlyOwn(t *testing.T, h CRMHarness) {
	ref := h.Create(t, 1)[0]
	crm := h.Connect(t)
	h.SetOwn(t, ref, connectors.FieldVerdict, "interested")
	before := h.Foreign(t, ref)
	p := fullPatch(ref, 1)
	p.Fields[connectors.FieldVerdict] = "wrong_person"
	wantNoErrors(t, write(t, crm, p, patch(ref, connectors.FieldVerdict, "")))
	if got := h.Own(t, ref)[connectors.FieldVerdict]; got != "interested" {
		t.Errorf("the verdict is %q, want the rep's", got)
	}
	if after := h.Foreign(t, ref); !maps.Equal(before, after) {
		t.Errorf("foreign fields changed:\nbefore %v\nafter  %v", before, after)
	}
}

func writesNonsense(t *testing.T, h CRMHarness) {
	refs := h.Create(t, 2)
	crm := h.Connect(t)
	bad := []connectors.Patch{patch(refs[0], connectors.FieldScore, "high"), patch(refs[0], connectors.FieldScore, "NaN"),
		patch(refs[0], connectors.FieldCoolsOn, "tomorrow"), patch(refs[0], connectors.FieldScoredAt, "2026-11-19"), patch(refs[0], "no_such_field", "1")}
	results := write(t, crm, append(bad, patch(refs[1], connectors.FieldScore, "0.00000001"))...)
	for i := range bad {
		if connectors.KindOf(results[i].Err) != connectors.Rejected {
			t.Errorf("%v: %v, want Rejected", bad[i].Fields, results[i].Err)
		}
	}
	if err := results[len(bad)].Err; err != nil {
		t.Errorf("a small number: %v", err) // exponents are refused by some
	}
	if own := h.Own(t, refs[0]); len(own) > 0 {
		t.Errorf("nonsense was written: %v", own)
	}
}

func missingField(t *testing.T, h CRMHarness) {
	refs := h.Create(t, h.Figures().Batch)
	h.Unprovision(t, connectors.FieldTrend)
	crm := h.Connect(t)
	var patches []connectors.Patch
	for i, r := range refs {
		patches = append(patches, fullPatch(r, i))
	}
	before := h.Requests()
	results, err := crm.Write(t.Context(), patches)
	wantKind(t, h, err, connectors.Config)
	if e := asError(err); e != nil && e.Fix == "" {
		t.Error("the error names no fix")
	}
	if len(results) != len(patches) {
		t.Fatalf("%d results for %d patches", len(results), len(patches))
	}
	for i, r := range results {
		if r.Ref != refs[i] || connectors.KindOf(r.Err) != connectors.Config {
			t.Fatalf("result %d: %s, %v", i, r.Ref, r.Err)
		}
	}
	if n := h.Requests() - before; n > 5 {
		t.Errorf("finding it out cost %d requests", n)
	}
}
