package gemini

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/modelkit"
)

// Price is what a model costs, in US dollars per million tokens.
type Price = modelkit.Price

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
			if !p.Valid() {
				return Price{}, fmt.Errorf("the price of %s is negative", n)
			}
			return p, nil
		}
	}
	if p, ok := own[connectors.AnyModel]; ok {
		return p, nil
	}
	return Price{}, fmt.Errorf("no price is known for %s (known: %s)", name, strings.Join(slices.Sorted(maps.Keys(builtin)), ", "))
}
