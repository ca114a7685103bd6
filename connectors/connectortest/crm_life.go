package connectortest

import (
	"slices"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
)

// lifeCases hold for connectors with further capabilities and for what happens to records over time.
var lifeCases = []crmCase{
	{name: "merges are followed", run: followsMerges},
	{name: "a sweep meets every record, across restarts, and the bin", run: sweeps},
	{name: "what is provisioned is found, what is removed is made again", run: provisions},
	{name: "what a property said at a time is told as it was then, or not at all", run: recallsProperties},
	{name: "an account is named and its findings have codes and fixes", run: probes},
}

func followsMerges(t *testing.T, h CRMHarness) {
	refs := h.Create(t, 4)
	forget(h)
	f := begin(t, h)
	survivor := h.Merge(t, refs[0], refs[1])
	settle(h)
	newest, told := f.drain(t)
	k, ok := newest[survivor]
	if !ok {
		t.Fatalf("the survivor %s was not told, only %v", survivor, told)
	}
	if !slices.Contains(k.Absorbed, refs[1]) {
		t.Errorf("the survivor absorbed %v, want %s among them", k.Absorbed, refs[1])
	}
	if survivor != refs[0] && !slices.Contains(k.Absorbed, refs[0]) {
		t.Errorf("the survivor absorbed %v, want %s among them", k.Absorbed, refs[0])
	}
	results := write(t, f.crm, patch(refs[1], connectors.FieldScore, "1.0"), patch(survivor, connectors.FieldScore, "2.0"))
	if e := asError(results[0].Err); e == nil || e.Kind != connectors.Gone || e.Into != survivor {
		t.Errorf("a patch of the merged record: %v", results[0].Err)
	}
	if results[1].Err != nil || h.Own(t, survivor)[connectors.FieldScore] != "2.0" {
		t.Errorf("a patch of the survivor: %v", results[1].Err)
	}
}

func sweeps(t *testing.T, h CRMHarness) {
	crm := h.Connect(t)
	s, ok := crm.(connectors.Sweeper)
	if !ok {
		t.Skip("no Sweeper")
	}
	refs := h.Create(t, 2*h.Figures().Page+3)
	h.Archive(t, refs[5])
	h.Erase(t, refs[6])
	survivor := h.Merge(t, refs[7], refs[8])
	settle(h)
	met := map[connectors.Ref]connectors.Contact{}
	var cursor connectors.Cursor
	for pages := 0; ; pages++ {
		if pages > 10_000 {
			t.Fatal("the sweep does not end")
		}
		p, err := s.Sweep(t.Context(), cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range p.Items {
			met[k.Ref] = k
		}
		cursor = stored(t, p.Next)
		if pages == 1 {
			s = h.Connect(t).(connectors.Sweeper)
		}
		if !p.More {
			break
		}
	}
	live := 0
	for i, r := range refs {
		k, ok := met[r]
		switch {
		case i == 5:
			if ok && k.State != connectors.Archived {
				t.Errorf("the archived record was met as %s", k.State)
			}
		case i == 6:
			if ok && k.State == connectors.Live {
				t.Error("the erased record was met alive")
			}
		case r == survivor:
			live++
		case i == 7 || i == 8:
			if ok && k.State == connectors.Live {
				t.Errorf("the merged record %d was met alive", i)
			}
		default:
			live++
			if !ok || k.State != connectors.Live || len(k.Emails) == 0 {
				t.Fatalf("record %d of %d: met %v as %s", i, len(refs), ok, k.State)
			}
		}
	}
	if k, ok := met[survivor]; !ok || k.State != connectors.Live {
		t.Error("the survivor of a merge was not met")
	} else if !slices.Contains(refs, survivor) {
		live++
	}
	n, err := s.Count(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n < live*9/10 || n > live*11/10+3 {
		t.Errorf("Count says %d, there are %d", n, live)
	}
}

func provisions(t *testing.T, h CRMHarness) {
	crm := h.Connect(t)
	p, ok := crm.(connectors.Provisioner)
	if !ok {
		t.Skip("no Provisioner")
	}
	planned := func() map[connectors.FieldAction]int {
		t.Helper()
		steps, err := p.Plan(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n := map[connectors.FieldAction]int{}
		for _, s := range steps {
			if s.Field != "" {
				n[s.Action]++
			}
		}
		return n
	}
	all := len(connectors.PersonFields().Fields)
	if n := planned(); n[connectors.FieldOK]%all != 0 || n[connectors.FieldOK] == 0 {
		t.Fatalf("the plan of a provisioned CRM: %v", n)
	}
	ref := h.Create(t, 1)[0]
	wantNoErrors(t, write(t, crm, fullPatch(ref, 1)))
	if steps, err := p.Remove(t.Context(), false); err != nil || len(steps) == 0 {
		t.Fatalf("a removal only planned: %d steps, %v", len(steps), err)
	}
	if n := planned(); n[connectors.FieldOK] == 0 {
		t.Fatal("a removal only planned was done")
	}
	if _, err := p.Remove(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if n := planned(); n[connectors.FieldCreate]%all != 0 || n[connectors.FieldOK] > 0 {
		t.Fatalf("the plan after removal: %v", n)
	}
	for range 2 { // safe to repeat
		if _, err := p.Apply(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := planned(); n[connectors.FieldOK]%all != 0 || n[connectors.FieldCreate] > 0 {
		t.Fatalf("the plan after applying: %v", n)
	}
	time.Sleep(time.Minute)
	wantNoErrors(t, write(t, h.Connect(t), fullPatch(ref, 2)))
	wantOwn(t, h, fullPatch(ref, 2))
}

func probes(t *testing.T, h CRMHarness) {
	crm := h.Connect(t)
	if a, ok := crm.(connectors.Account); ok {
		info, err := a.Account(t.Context())
		if err != nil || info.ID == "" || info.Location == nil {
			t.Errorf("Account = %+v, %v", info, err)
		}
	}
	p, ok := crm.(connectors.Prober)
	if !ok {
		t.Skip("no Prober")
	}
	check := func(findings []connectors.Finding) (failures int) {
		t.Helper()
		for _, f := range findings {
			if f.Code == "" || f.Message == "" {
				t.Errorf("a finding without code or message: %+v", f)
			}
			if f.Severity != connectors.OK {
				failures++
				if f.Fix == "" {
					t.Errorf("a finding without a fix: %+v", f)
				}
			}
		}
		return failures
	}
	if findings := p.Probe(t.Context()); len(findings) == 0 || check(findings) > 0 {
		t.Errorf("a CRM in order is found to be %+v", findings)
	}
	h.Unprovision(t, connectors.FieldScore)
	if check(p.Probe(t.Context())) == 0 {
		t.Error("a missing field was not found")
	}
	h.Revoke(t)
	if check(h.Connect(t).(connectors.Prober).Probe(t.Context())) == 0 {
		t.Error("revoked credentials were not found")
	}
}

func recallsProperties(t *testing.T, h CRMHarness) {
	crm, ok := h.Connect(t).(connectors.Historian)
	if !ok {
		t.Skip("no Historian")
	}
	title := h.Figures().Title
	before := time.Now()
	time.Sleep(time.Hour)
	refs := h.Create(t, 130) // more than HubSpot tells the history of in one call
	made := time.Now()
	time.Sleep(time.Hour)
	h.Change(t, refs[:100], "Buyer")
	first := time.Now()
	time.Sleep(time.Hour)
	h.Change(t, refs[50:100], "")
	second := time.Now()
	time.Sleep(time.Hour)
	got, err := crm.History(t.Context(), append(refs, connectors.Ref{CRM: "another", Object: "x", ID: "1"}), []string{title})
	if err != nil || len(got) != len(refs) {
		t.Fatalf("the history of %d of %d records: %v", len(got), len(refs), err)
	}
	for i, ref := range refs {
		past, tracked := got[ref][title]
		if !tracked {
			t.Fatalf("of %s nothing is told", ref)
		}
		after := map[time.Time]string{first: "Buyer", second: "Buyer"}
		if i >= 100 {
			after[first], after[second] = "Engineer", "Engineer"
		} else if i >= 50 {
			after[second] = ""
		}
		for at, want := range after {
			if v, told := past.At(at.Add(time.Minute)); !told || v != want {
				t.Fatalf("record %d said %q (told: %t) after %s, want %q: %+v", i, v, told, at.Format(time.TimeOnly), want, past)
			}
		}
		if v, told := past.At(made.Add(time.Minute)); told && v != "Engineer" {
			t.Fatalf("record %d said %q at first: %+v", i, v, past)
		}
		if v, told := past.At(before); told {
			t.Fatalf("record %d said %q before it was made: %+v", i, v, past)
		}
	}
}
