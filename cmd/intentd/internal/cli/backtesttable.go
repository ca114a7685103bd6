package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/pipeline/learn/backtest"
	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/pipeline/score"
)

// backtestPage prints a backtest.
type backtestPage struct {
	w       io.Writer
	t       *app.BacktestOf
	written []string
}

// line prints one line; names and words of a file move no cursor.
func (p *backtestPage) line(format string, args ...any) {
	fmt.Fprintln(p.w, strings.TrimRight(receipt.Clean(fmt.Sprintf(format, args...)), " "))
}

// engines prints a line for each engine.
func (p *backtestPage) engines(r *backtest.Result) {
	if len(r.Engines) == 0 {
		return
	}
	p.line("%s  %s  %-17s %-10s  %s", pad("", 22), pad("AUC", 20), "Brier score", "off by", "won of the top 5 %, 10 %, 20 % (lift)")
	for i := range r.Engines {
		e := &r.Engines[i]
		if e.TooFew {
			p.line("%s  too few to tell", pad(backtest.Title(e.Name), 22))
			continue
		}
		off := "too few"
		if e.ECEKnown {
			off = fmt.Sprintf("%.3f", e.ECE)
		}
		var tops []string
		for _, t := range e.Tops {
			tops = append(tops, fmt.Sprintf("%.0f %% (%.1f×)", 100*t.Precision.Value, t.Lift.Value))
		}
		p.line("%s  %s  %s %s  %s", pad(backtest.Title(e.Name), 22), pad(fmt.Sprintf("%.3f (%.3f–%.3f)", e.AUC.Value, e.AUC.Low, e.AUC.High), 20),
			pad(fmt.Sprintf("%.3f (±%.3f)", e.Brier.Value, (e.Brier.High-e.Brier.Low)/2), 17), pad(off, 10), strings.Join(tops, "  "))
	}
	p.line("AUC: 1 ranks perfectly, 0.5 is chance; Brier score and what probabilities are off by (calibration error): less is better. Limits of 95 %%.")
	p.line("")
}

// tiers prints how many of each tier were won.
func (p *backtestPage) tiers(r *backtest.Result) {
	if !slices.ContainsFunc(r.Engines, func(e backtest.Report) bool { return len(e.Tiers) > 0 }) {
		return
	}
	p.line("%s  %s  %s  %s  %s", pad("Won by tier", 22), pad("high", 22), pad("medium", 22), pad("low", 22), "unknown")
	for i := range r.Engines {
		e := &r.Engines[i]
		if len(e.Tiers) == 0 {
			continue
		}
		line := pad(backtest.Title(e.Name), 22)
		for _, tier := range []score.Tier{score.High, score.Medium, score.Low, score.TierUnknown} {
			cell := ""
			if t := e.Tier(tier); t != nil {
				cell = t.Cell()
			}
			line += "  " + pad(cell, 22)
		}
		p.line("%s", line)
	}
	p.line("")
}

// learned prints what was learned, and what would be made of it.
func (p *backtestPage) learned(r *backtest.Result) {
	if w := r.Weights; w != nil && w.Refused == "" {
		c := &w.Correlation
		p.line("Weights learned from %s (confidence %s): volume %.2f, recency %.2f, topics %.2f; they go with winning by r = %.2f, %.2f, %.2f",
			plural(w.Deals, "outcome"), w.Confidence, float64(w.Weights.Volume)/1000, float64(w.Weights.Recency)/1000, float64(w.Weights.Topics)/1000, c.Volume.Value, c.Recency.Value, c.Topics.Value)
	}
	if m := r.Strengths; m != nil {
		p.line("Strengths learned from %d people, %d of them won. What counts most, for one usual difference between people:", m.Learned.People, m.Learned.Won)
		for _, f := range m.Strongest(10) {
			p.line("  %+6.1f points  %s (%+.1f to %+.1f)", m.K*f.Strength, pad(f.String(), 44), m.K*f.Low, m.K*f.High)
		}
	}
	if r.Choice.Engine != "" {
		p.line("Engine auto would take %s: %s.", r.Choice.Engine, r.Choice.Why)
	}
}
