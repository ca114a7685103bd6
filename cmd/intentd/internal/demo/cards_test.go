package demo

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/fields"
	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/pipeline/score"
)

// cardFixture is a person as a CRM shows them, for the cards in deploy/salesforce and deploy/hubspot, which take the texts apart.
type cardFixture struct {
	Case     string            `json:"case"`
	Language string            `json:"language"`
	Fields   map[string]string `json:"fields"`
}

// Promise: what the cards in the CRM are tried on is what intentd writes: each engine, tier and rule that the demo has, in both languages.
func TestCardFixtures(t *testing.T) {
	people := run(t, now)
	var out []cardFixture
	add := func(name string, r *receipt.Receipt, o fields.Options) {
		for _, o.Language = range []string{"en", "de"} {
			o.Location = time.UTC
			v := fields.Render(r, o)
			maps.DeleteFunc(v, func(field, _ string) bool {
				return !slices.Contains([]string{connectors.FieldScore, connectors.FieldTier, connectors.FieldTierSince, connectors.FieldHeadline, connectors.FieldReasons, connectors.FieldCoolsOn}, field)
			})
			out = append(out, cardFixture{name, o.Language, v})
		}
	}
	sets := engines()
	low, high := engines()[len(sets)-1], engines()[len(sets)-1]
	low.Additive.Offset, high.Additive.Offset = -900, 990 // sums beneath 0 and above 100 are kept within
	seen := map[string]bool{}
	for i, set := range append(sets, low, high) {
		for _, key := range slices.Sorted(maps.Keys(people)) {
			r := *people[key].receipt
			r.Settings, r.Features.ModelTier = set, score.High
			shown, parts, rule := set.Show(&r.Features, score.Shown{}, now)
			r.Parts, r.Points, r.Rule, r.Tier, r.Stage, r.Trend = parts, set.PointsAt(&r.Features, now.Unix()), rule, shown.Tier, shown.Stage, shown.Trend
			r.Forecast = set.Forecast(&r.Features, shown, now, time.UTC)
			name := set.Engine() + ", " + r.Tier.String() + " by " + string(rule)
			if i >= len(sets) {
				if parts.Clamp == 0 {
					continue
				}
				name += ", kept within 0 and 100"
			}
			if seen[name] {
				continue
			}
			seen[name] = true
			add(name, &r, fields.Options{})
			if i == 0 && rule == score.ByThreshold && r.Tier == score.High {
				add("a field of 255 characters", &r, fields.Options{Lengths: map[string]int{connectors.FieldReasons: 255}})
				r.Stale, r.Degraded = []string{"site"}, []string{"the model's budget for the day is spent"}
				add("a source fails", &r, fields.Options{})
			}
		}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(out); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", "cards.golden.json")
	if *update {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("%s is not what is written now; run with -update, then npm test in .ci/cards", path)
	}
}
