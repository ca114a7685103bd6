// Package report writes a backtest as one HTML file: text, tables and charts, without a script, a font or a picture from anywhere else, so that it can be mailed, kept and
// read without a network.
//
// The charts are drawn here, as SVG: the chart libraries looked at cost 2.8 MB of binary and six modules (go-analyze/charts), 8 MB (gonum/plot) or 1 MB of script in every
// report (echarts), and none draws the limits of an interval on a bar without being taught to.
package report

import (
	"embed"
	"fmt"
	"html/template"
	"io"

	"github.com/intentd/intentd/pipeline/learn/backtest"
	"github.com/intentd/intentd/pipeline/score"
)

//go:embed *.tmpl
var files embed.FS

// Options say what is reported.
type Options struct {
	Result *backtest.Result
	Of     string // what the people were read from
}

var page = template.Must(template.New("report.html.tmpl").Funcs(template.FuncMap{
	"title":   backtest.Title,
	"percent": func(x float64) string { return fmt.Sprintf("%.0f %%", 100*x) },
	"three":   func(x float64) string { return fmt.Sprintf("%.3f", x) },
	"one":     func(x float64) string { return fmt.Sprintf("%.1f", x) },
	"points":  func(k, strength float64) string { return fmt.Sprintf("%+.1f", k*strength) },
	"cell": func(r backtest.Report, tier string) string {
		for _, t := range r.Tiers {
			if t.Tier.String() == tier {
				return t.Cell()
			}
		}
		return ""
	},
	"colour": func(i int) string { return fmt.Sprintf("c%d", i%colours) },
}).ParseFS(files, "report.html.tmpl", "style.html.tmpl"))

// Write writes the report.
func Write(w io.Writer, o Options) error {
	r := o.Result
	var judged []backtest.Report
	for _, e := range r.Engines {
		if !e.TooFew {
			judged = append(judged, e)
		}
	}
	data := struct {
		*backtest.Result
		Of                                string
		Headline, Remarks                 []string
		Whom                              string
		ROC, Calibration, Lift, TierChart template.HTML
		TierNames                         []string
	}{Result: r, Of: o.Of, Headline: backtest.Headline(r), Remarks: backtest.Remarks(r), Whom: backtest.Whom(r)}
	for _, tier := range []score.Tier{score.High, score.Medium, score.Low, score.TierUnknown} {
		data.TierNames = append(data.TierNames, tier.String())
	}
	if len(judged) > 0 {
		base := float64(r.Split.JudgedWon) / float64(max(r.Split.Judged, 1))
		data.ROC, data.Calibration, data.Lift = rocChart(r.Engines), calibrationChart(r.Engines), liftChart(r.Engines, base)
		data.TierChart = tierChart(r.Engines, base)
	}
	return page.Execute(w, data)
}
