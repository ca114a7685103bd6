package app

import (
	"bytes"
	"os"
	"testing"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/sandbox"
	"github.com/intentd/intentd/pipeline/privacy"
)

// Promise: of whoever privacy.exclude names, by address or by mail domain, nothing is kept and there is no score; the record stays, the CRM says
// that nothing counts, and the others go on.
func TestExcludedPeople(t *testing.T) {
	p := newPlace(t, sandbox.HubSpotOptions{})
	ids := map[string]string{}
	for _, address := range []string{"ada@one.example", "bob@mail.two.example", "carol@nottwo.example", "dan@one.example"} {
		ids[address] = p.portal.CreateContact(map[string]string{"email": address})
		p.visit(t, "v-"+address, address, connectors.KindDemoRequest, "/demo")
	}
	a := p.open(t)
	p.provision(t, a)
	if _, err := a.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	for address, id := range ids {
		if p.score(t, id) == "" {
			t.Fatal(address, "has no score to begin with")
		}
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	p.write(t, "write: {brake: 0}\n")
	text, err := os.ReadFile(p.file)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Replace(text, []byte("privacy: {"), []byte("privacy: {exclude: [' Ada@One.example', '@two.example'], "), 1)
	if err := os.WriteFile(p.file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	a = p.open(t)
	defer a.Close()
	if _, err := a.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	for address, id := range ids {
		excluded := address == "ada@one.example" || address == "bob@mail.two.example"
		props, there := p.portal.Contact(id)
		if !there || (props["intent_score"] == "") != excluded || (props["intent_tier"] == "unknown") != excluded {
			t.Errorf("%s: score %q, tier %q, there %v", address, props["intent_score"], props["intent_tier"], there)
		}
		held, err := privacy.Export(t.Context(), a.pipe, address)
		if err != nil {
			t.Fatal(err)
		}
		events := 0
		for _, e := range held.Events {
			if !e.Withdraws() {
				events++
			}
		}
		if (events == 0) != excluded {
			t.Errorf("%s: %d events are kept", address, events)
		}
	}
}
