// Package fields turns a receipt into what a rep reads in the CRM: the canonical values of intentd's own fields.
//
// Terms. A canonical value is the text that [connectors.Patch] carries: numbers as "64.4", dates as "2026-11-19", times as RFC 3339
// in UTC, "" for an empty field. The frame is what this package says in its own words, in a language of its tables (en.go, de.go); the
// rest are an engine's sentences and names from the journey, which are untrusted.
//
// Promises:
//   - every text passes one sieve (clean.go): plain, no link outside the customer's own hosts, no e-mail address, no markup,
//     nothing that a spreadsheet takes for a formula, no longer than the field, valid UTF-8
//   - dates are absolute, in the configured time zone, so that a text is as true next week as today
//   - a sentence without a citation is not shown
//   - the parts in the reasons add up to the score exactly
//   - the same receipt and options give the same bytes
package fields

import (
	"slices"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/pipeline/score"
)

// Render returns the value of every field that intentd writes (all but the verdict), keyed by canonical name. Empty values
// are part of the answer: they clear the field.
func Render(r *receipt.Receipt, o Options) map[string]string {
	w := writer{r: r, o: &o, lang: languageOf(o.Language), loc: o.Location}
	if w.loc == nil {
		w.loc = time.UTC
	}
	w.clean.hosts = lowered(o.OwnHosts)
	v := make(map[string]string, 16)
	v[connectors.FieldTier] = r.Tier.String()
	v[connectors.FieldTierSince] = timestamp(r.Since())
	v[connectors.FieldScoredAt] = timestamp(r.At)
	v[connectors.FieldHeadline] = w.headline()
	v[connectors.FieldSummary] = w.summary()
	v[connectors.FieldReasons] = w.reasons()
	v[connectors.FieldStage] = r.Stage.String()
	if r.Graded {
		v[connectors.FieldFit], v[connectors.FieldGrade] = r.Fit.Grade, r.Fit.Shown(r.Tier, r.Combined)
	}
	for _, f := range []string{
		connectors.FieldScore, connectors.FieldProduct, connectors.FieldInterest, connectors.FieldTopics, connectors.FieldTrend,
		connectors.FieldCoolsOn, connectors.FieldLastSignalAt,
	} {
		v[f] = ""
	}
	if !r.Parts.Known {
		v[connectors.FieldStage] = score.StageUnknown.String()
		return v
	}
	v[connectors.FieldScore] = score.FormatTenths(r.Parts.Score)
	v[connectors.FieldTopics] = w.topics()
	if product := w.clean.cut(r.Product, o.length(connectors.FieldProduct)); product != "" {
		v[connectors.FieldProduct] = product
		v[connectors.FieldInterest] = r.Interest.String() // "" for none, as the trend
	}
	v[connectors.FieldTrend] = r.Trend.String()
	if !r.Forecast.CoolsOn.IsZero() {
		v[connectors.FieldCoolsOn] = r.Forecast.CoolsOn.In(w.loc).Format(time.DateOnly)
	}
	if r.Parts.Newest != 0 {
		v[connectors.FieldLastSignalAt] = timestamp(time.Unix(r.Parts.Newest, 0))
	}
	return v
}

// topicsMax is how many topics a rep is shown.
const topicsMax = 5

// topics joins what the journey was about, in the engine's order. Whole topics only, as many as fit.
func (w *writer) topics() string {
	limit := w.o.length(connectors.FieldTopics)
	var seen []string
	var b strings.Builder
	room := limit
	add := func(name string) {
		name = strings.ReplaceAll(w.clean.cut(name, 60), ";", ",")
		if name == "" || slices.ContainsFunc(seen, func(s string) bool { return strings.EqualFold(s, name) }) {
			return
		}
		sep := ""
		if b.Len() > 0 {
			sep = "; "
		}
		if need := units(name) + len(sep); need <= room {
			room -= need
			b.WriteString(sep)
			b.WriteString(name)
			seen = append(seen, name)
		}
	}
	for i := range w.r.Intent.Topics {
		if len(seen) < topicsMax {
			add(w.r.Intent.Topics[i].Name)
		}
	}
	return b.String()
}

func timestamp(t time.Time) string { return t.UTC().Truncate(time.Second).Format(time.RFC3339) }

func lowered(hosts []string) []string {
	for i, h := range hosts {
		if l := strings.ToLower(h); l != h {
			hosts = slices.Clone(hosts)
			for j := i; j < len(hosts); j++ {
				hosts[j] = strings.ToLower(hosts[j])
			}
			return hosts
		}
	}
	return hosts
}
