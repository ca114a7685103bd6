package verdicts

import (
	"bytes"
	"encoding/json"
	"io"
	"time"

	"github.com/intentd/intentd/pipeline/score"
)

// Labels writes verdicts as a labelled set: JSON lines, one verdict that says something a line, flat, so that a backtest reads them as a table of people. The outcome
// is won for interested, else lost; the columns are facts as of the score that was judged, under the names that learning has for them. Nobody is named.
type Labels struct {
	w    io.Writer
	line bytes.Buffer
	// Written are the lines so far.
	Written int
}

// NewLabels writes to w.
func NewLabels(w io.Writer) *Labels { return &Labels{w: w} }

// Add writes a verdict, unless it says nothing of the score.
func (l *Labels) Add(v *Verdict, set *score.Settings) error {
	ready, why := v.label()
	if why != "" {
		return nil
	}
	j := v.Judged
	l.line.Reset()
	l.cell("person", v.Person)
	l.cell("at", v.At.UTC().Format(time.RFC3339))
	outcome := "lost"
	if ready {
		outcome = "won"
	}
	l.cell("outcome", outcome)
	l.cell("verdict", v.Verdict)
	l.cell("score", float64(j.Score)/10)
	l.cell("tier", j.Tier)
	l.cell("rule", j.Rule)
	l.cell("engine", j.Engine)
	parts := set.At(&j.Features, j.At)
	l.cell("volume", float64(parts.Volume.Component)/10)
	l.cell("recency", float64(parts.Recency.Component)/10)
	l.cell("topics", float64(parts.Topics.Component)/10)
	for t := score.HandRaise; t <= score.SocialMention; t++ {
		l.cell("signals: "+t.String(), j.count(func(g *score.Signal) bool { return g.Type == t }))
	}
	for _, page := range []struct {
		name string
		flag score.Flag
	}{{"price", score.PricePage}, {"contract", score.ContractPage}, {"product", score.ProductPage}, {"comparison", score.Comparison}, {"key", score.Key}} {
		l.cell("pages: "+page.name, j.count(func(g *score.Signal) bool { return g.Flags&page.flag != 0 }))
	}
	l.line.WriteString("}\n")
	l.Written++
	_, err := l.w.Write(l.line.Bytes())
	return err
}

// cell adds a name and its value; the first begins the line.
func (l *Labels) cell(name string, value any) {
	sep := byte(',')
	if l.line.Len() == 0 {
		sep = '{'
	}
	key, _ := json.Marshal(name)
	v, _ := json.Marshal(value) // texts and numbers of ours: they can be written
	l.line.WriteByte(sep)
	l.line.Write(key)
	l.line.WriteByte(':')
	l.line.Write(v)
}

func (j *Judged) count(is func(*score.Signal) bool) (n int) {
	for i := range j.Features.Signals {
		if g := &j.Features.Signals[i]; g.At <= j.At.Unix() && is(g) {
			n++
		}
	}
	return n
}
