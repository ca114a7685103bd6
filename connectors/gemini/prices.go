package gemini

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
)

// Price is what a model costs, in US dollars per million tokens. Thoughts are billed as output. Cached is the price of prompt tokens the
// vendor had cached; 0 bills them as any other.
type Price struct{ In, Out, Cached float64 }

// builtin prices were read from the vendor's price list in October 2026. Options.Prices overrides and extends them.
var builtin = map[string]Price{
	"gemini-3.5-flash-lite":  {In: 0.30, Out: 2.50},
	"gemini-3.8-flash":       {In: 0.75, Out: 3.75},
	"gemini-3-flash-preview": {In: 0.50, Out: 3.00},
	"gemini-2.5-flash-lite":  {In: 0.10, Out: 0.40},
}

// retiring are models with a known last day.
var retiring = map[string]string{"gemini-2.5-flash": "1 December 2026"}

var revision = regexp.MustCompile(`-\d{3}$`)

// priceOf finds a model's price; a fixed revision ("…-001") costs what its model does. An unknown price is an error, because a daily
// budget cannot be kept without one.
func priceOf(model string, own map[string]Price) (Price, error) {
	name := strings.TrimPrefix(model, "models/")
	for _, n := range []string{name, revision.ReplaceAllString(name, "")} {
		for _, table := range []map[string]Price{own, builtin} {
			p, ok := table[n]
			if !ok {
				continue
			}
			if p.In < 0 || p.Out < 0 || p.Cached < 0 || math.IsNaN(p.In+p.Out+p.Cached) {
				return Price{}, fmt.Errorf("the price of %s is negative", n)
			}
			return p, nil
		}
	}
	return Price{}, fmt.Errorf("no price is known for %s (known: %s)", name, strings.Join(slices.Sorted(maps.Keys(builtin)), ", "))
}

// cost is what u costs in micro USD, rounded up: US dollars per million tokens are micro USD per token.
func (p Price) cost(u connectors.Usage) int64 {
	cached := p.Cached
	if cached == 0 {
		cached = p.In
	}
	return int64(math.Ceil(p.In*float64(u.In-u.Cached) + cached*float64(u.Cached) + p.Out*float64(u.Out+u.Thoughts) - 1e-9))
}
