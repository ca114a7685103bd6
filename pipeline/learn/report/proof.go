package report

import (
	"html/template"
	"io"

	"github.com/intentd/intentd/pipeline/learn/measure"
	"github.com/intentd/intentd/pipeline/learn/proof"
)

var proofPage = template.Must(template.New("proof.html.tmpl").Funcs(template.FuncMap{"chart": sidesChart}).ParseFS(files, "proof.html.tmpl", "style.html.tmpl"))

// WriteProof writes the comparison of people shown and people held out, as a page of the same kind.
func WriteProof(w io.Writer, r *proof.Result) error { return proofPage.Execute(w, r) }

// sidesChart shows what was won of each tier on both sides, of everybody; "" while nobody is in any.
func sidesChart(p proof.Period) template.HTML {
	top, won, people := 0.0, 0, 0
	for _, r := range p.Groups[0].Rows {
		for _, s := range []proof.Side{r.Shown, r.HeldOut} {
			if won, people = won+s.Won, people+s.People; s.People > 0 {
				top = max(top, s.Rate.High)
			}
		}
	}
	if people == 0 {
		return ""
	}
	b := newBars(wide, "What was won of each tier, of people shown and people held out", nice(top), float64(won)/float64(people))
	for _, r := range p.Groups[0].Rows {
		b.group(r.Tier)
		for _, s := range []struct {
			class, name string
			of          proof.Side
		}{{"c0", "shown", r.Shown}, {"c2", "held out", r.HeldOut}} {
			if s.of.People > 0 {
				b.bar(s.class, s.name+", "+r.Tier+": "+s.of.Cell(), measure.Interval(s.of.Rate))
			}
		}
	}
	return b.html()
}
