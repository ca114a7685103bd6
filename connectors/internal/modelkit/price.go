package modelkit

import (
	"math"

	"github.com/intentd/intentd/connectors"
)

// Price is what a model costs, in US dollars per million tokens. Thoughts are billed as output. Cached is the price of prompt tokens the
// vendor had cached; 0 bills them as any other.
type Price struct{ In, Out, Cached float64 }

// Valid says that a budget can be kept by p.
func (p Price) Valid() bool {
	return p.In >= 0 && p.Out >= 0 && p.Cached >= 0 && !math.IsNaN(p.In+p.Out+p.Cached)
}

// Cost is what u costs in micro USD, rounded up: US dollars per million tokens are micro USD per token.
func (p Price) Cost(u connectors.Usage) int64 {
	cached := p.Cached
	if cached == 0 {
		cached = p.In
	}
	return int64(math.Ceil(p.In*float64(u.In-u.Cached) + cached*float64(u.Cached) + p.Out*float64(u.Out+u.Thoughts) - 1e-9))
}

// Prices are the configuration's own prices, by model; connectors.AnyModel may be one.
func Prices(list connectors.ModelPrices) map[string]Price {
	prices := map[string]Price{}
	for _, p := range list {
		prices[p.Model] = Price{In: p.In, Out: p.Out, Cached: p.Cached}
	}
	return prices
}

// bytesPerToken and imageTokens estimate a prompt: the vendors' rule of thumb of four characters a token, and a picture of up to
// 1536 × 1152 in tiles of 258 tokens.
const (
	bytesPerToken = 4
	imageTokens   = 6 * 258
)

func tokens(p connectors.Prompt) int {
	return (len(p.System)+len(p.User)+len(p.Schema))/bytesPerToken + 1 + imageTokens*len(p.Images)
}

// Estimate is what a call may cost at most, in micro USD.
func (m *Model) Estimate(p connectors.Prompt) int64 {
	out := p.MaxTokens
	if out <= 0 {
		out = 4096
	}
	return m.o.Price.Cost(connectors.Usage{In: tokens(p), Out: out})
}

// usage completes what the vendor told of a reply's tokens: a budget that takes silence for free is none.
func (m *Model) usage(r Reply, p connectors.Prompt) connectors.Usage {
	told := r.Usage
	u := connectors.Usage{Calls: 1, In: max(0, told.In), Out: max(0, told.Out), Thoughts: max(0, told.Thoughts)}
	u.Cached = min(max(0, told.Cached), u.In)
	if u.In == 0 {
		u.In = tokens(p)
	}
	if u.Out == 0 && r.Text != "" {
		u.Out = len(r.Text)/bytesPerToken + 1
	}
	u.MicroUSD = m.o.Price.Cost(u)
	return u
}
