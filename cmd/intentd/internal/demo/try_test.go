package demo

import (
	"bytes"
	"slices"
	"testing"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/jsonl"
)

// `intentd try` on the demo's events says of a person what the demo says.
func TestTryAgreesWithTheDemo(t *testing.T) {
	cfg, problems := config.Parse([]byte(ConfigYAML(places(t, "demo"))), app.Types)
	if cfg == nil {
		t.Fatal(problems)
	}
	var b bytes.Buffer
	if err := People(now).WriteJSONL(&b); err != nil {
		t.Fatal(err)
	}
	read, err := jsonl.ReadJourney(&b, now)
	if err != nil || len(read.Unreadable) > 0 {
		t.Fatal(err, read)
	}
	got, err := app.Try(t.Context(), read, app.TryOptions{Config: cfg, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	want := run(t, now)
	for _, key := range []string{"whitlock", "menon", "solheim", "brannigan", "petrova", "okafor"} {
		o := want[key]
		i := slices.IndexFunc(got.People, func(p app.TriedPerson) bool { return p.Name == o.contact.Properties["email"] })
		if i < 0 {
			t.Errorf("%s: not found", key)
			continue
		}
		for _, f := range []string{connectors.FieldScore, connectors.FieldTier, connectors.FieldHeadline, connectors.FieldSummary} {
			if got.People[i].Fields[f] != o.values[f] {
				t.Errorf("%s: %s is %q, the demo's is %q", key, f, got.People[i].Fields[f], o.values[f])
			}
		}
	}
}
