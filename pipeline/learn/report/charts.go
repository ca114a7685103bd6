package report

import (
	"html/template"

	"github.com/intentd/intentd/pipeline/learn/backtest"
	"github.com/intentd/intentd/pipeline/learn/measure"
	"github.com/intentd/intentd/pipeline/score"
)

// rocChart shows how many of the won a list has found once it has let in a share of the lost.
func rocChart(engines []backtest.Report) template.HTML {
	d := newDrawing(square, "ROC: the share of the won that is found, over the share of the lost that is let in")
	p := d.plot(1, 1, "of the lost, let in", "of the won, found")
	p.line("guide", "chance", []measure.Point{{X: 0, Y: 0}, {X: 1, Y: 1}})
	for i, e := range engines {
		if !e.TooFew {
			p.line(colour(i), f("%s: AUC %.3f (%.3f to %.3f)", backtest.Title(e.Name), e.AUC.Value, e.AUC.Low, e.AUC.High), e.ROC)
		}
	}
	return d.html()
}

// calibrationChart shows what was won of those who were given a probability, with its limits; the baselines are left out.
func calibrationChart(engines []backtest.Report) template.HTML {
	top := 0.05
	for _, e := range engines {
		for _, b := range e.Bins {
			if !e.Baseline {
				top = max(top, b.Predicted, b.Won.High)
			}
		}
	}
	top = nice(top)
	d := newDrawing(square, "Calibration: what was won, over the probability that was given")
	p := d.plot(top, top, "probability given (tenths of the people)", "won")
	p.line("guide", "as promised", []measure.Point{{X: 0, Y: 0}, {X: top, Y: top}})
	for i, e := range engines {
		if e.Baseline || e.TooFew {
			continue
		}
		var means []measure.Point
		for _, b := range e.Bins {
			means = append(means, measure.Point{X: b.Predicted, Y: b.Won.Value})
		}
		p.line(colour(i)+" thin", backtest.Title(e.Name), means)
		for _, b := range e.Bins {
			p.dot(colour(i), f("%s: %.0f people given %.1f %%, %.1f %% won (%.1f to %.1f)", backtest.Title(e.Name), b.Rows, 100*b.Predicted, 100*b.Won.Value, 100*b.Won.Low, 100*b.Won.High),
				b.Predicted, b.Won)
		}
	}
	return d.html()
}

// liftChart shows what was won of the top 5, 10 and 20 % of each list.
func liftChart(engines []backtest.Report, base float64) template.HTML {
	top := base
	for _, e := range engines {
		for _, t := range e.Tops {
			top = max(top, t.Precision.High)
		}
	}
	b := newBars(wide, "Lift: what was won of the top of each list", nice(top), base)
	for k, share := range backtest.Heads {
		b.group(f("top %.0f %%", 100*share))
		for i, e := range engines {
			if !e.TooFew {
				t := e.Tops[k]
				b.bar(colour(i), f("%s, top %.0f %%: %.1f %% won (%.1f to %.1f), %.1f times the average", backtest.Title(e.Name), 100*share, 100*t.Precision.Value, 100*t.Precision.Low, 100*t.Precision.High, t.Lift.Value), t.Precision)
			}
		}
	}
	return b.html()
}

// tierChart shows what was won of each tier.
func tierChart(engines []backtest.Report, base float64) template.HTML {
	top := base
	any := false
	for _, e := range engines {
		for _, t := range e.Tiers {
			if t.Rows > 0 {
				any, top = true, max(top, t.Precision.High)
			}
		}
	}
	if !any {
		return ""
	}
	b := newBars(wide, "Tiers: what was won of high, medium and low", nice(top), base)
	for _, tier := range []score.Tier{score.High, score.Medium, score.Low} {
		b.group(tier.String())
		for i, e := range engines {
			if t := e.Tier(tier); t != nil && t.Rows > 0 {
				b.bar(colour(i), backtest.Title(e.Name)+", "+tier.String()+": "+t.Cell(), t.Precision)
			}
		}
	}
	return b.html()
}

// nice is a round share that x does not exceed.
func nice(x float64) float64 {
	for _, n := range []float64{0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75} {
		if x <= n {
			return n
		}
	}
	return 1
}
