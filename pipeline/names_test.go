package pipeline_test

import (
	"strings"
	"testing"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline"
)

// shortIDs is a CRM whose ids people also write without the ending "-long".
type shortIDs struct{ connectors.CRM }

func (shortIDs) NormalID(_, id string) string { return strings.TrimSuffix(id, "-long") + "-long" }

// TestIDsAreFoundInEveryForm: what people copy from a report or an old export names the same record.
func TestIDsAreFoundInEveryForm(t *testing.T) {
	w := newWorld(t)
	w.setup.CRMs[0].CRM = shortIDs{w.setup.CRMs[0].CRM}
	w.setup.Write = pipeline.Write{Mode: pipeline.WriteCanary, IDs: []string{"1", "crm/contacts/2"}}
	w.p.Swap(w.setup)
	s := w.p.Setup()
	object := s.CRMs[0].Objects[0]
	for _, who := range []string{"1", "1-long", "crm/" + object + "/1", "crm/" + object + "/1-long"} {
		got := s.RefsNamed(who)
		if len(got) == 0 || got[0] != (connectors.Ref{CRM: "crm", Object: object, ID: "1-long"}) {
			t.Errorf("%s: %v", who, got)
		}
	}
	if got := s.RefsNamed("gone/contacts/1"); len(got) != 1 || got[0].CRM != "gone" {
		t.Errorf("a CRM that is not configured: %v", got)
	}
	if !s.InScope(connectors.Ref{CRM: "crm", Object: object, ID: "1-long"}) {
		t.Errorf("the canary's scope is %v", w.setup.Write.IDs)
	}
}
