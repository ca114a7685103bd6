package evaluate

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intent"
)

// Options of a run.
type Options struct {
	// Reading is what a vendor's journeys are read with, nil being journeys that name none; nil: the built-in settings and rules.
	Reading     func(v *Vendor, lang string) (Reading, error)
	Judge       *Judge // nil: the bundled matcher
	Concurrency int    // how many journeys at a time; default 1
	Done        func() // told after each journey, if set; by several goroutines at once
}

// Figures count facts and statements. Precision, recall and F1 are 0 to 1.
type Figures struct {
	Journeys   int      `json:"journeys"`
	Facts      int      `json:"facts"`
	Stated     int      `json:"stated"` // of the facts
	Statements int      `json:"statements"`
	Right      int      `json:"right"` // of the statements
	Precision  float64  `json:"precision"`
	Recall     float64  `json:"recall"`
	F1         float64  `json:"f1"`
	Low        *float64 `json:"f1_low,omitempty"` // 95 % of resamplings of the journeys lie between; left out for fewer than ten
	High       *float64 `json:"f1_high,omitempty"`
}

// Group are the figures of an industry, a language, or an industry in a language; "" stands for all.
type Group struct {
	Industry string `json:"industry,omitempty"`
	Language string `json:"language,omitempty"`
	Figures
}

// Case is what came of a journey.
type Case struct {
	Name     string   `json:"name"`
	Industry string   `json:"industry"`
	Language string   `json:"language"`
	Text     string   `json:"text"`
	Missing  []string `json:"missing,omitempty"` // facts that the text does not state
	Wrong    []Wrong  `json:"wrong,omitempty"`   // statements that do not count
	Never    []string `json:"never,omitempty"`   // what must not stand in it, and does
	Degraded string   `json:"degraded,omitempty"`
	// Unjudged says why the bundled matcher took the place of the judge; "" if it did not.
	Unjudged string  `json:"unjudged,omitempty"`
	Figures  Figures `json:"figures"`
	Unseen   bool    `json:"unseen,omitempty"`
	usage    connectors.Usage
	judging  connectors.Usage
}

// Wrong is a statement that does not count.
type Wrong struct {
	Statement string `json:"statement"`
	Unshown   string `json:"not_shown,omitempty"` // a figure, day or name that the cited steps do not show; "": no label asks for it
}

// Result is what a run found.
type Result struct {
	Engine   string           `json:"engine"` // rules, or the model's name
	Judge    string           `json:"judge"`  // matcher, or the model's name
	All      Figures          `json:"all"`
	Unseen   *Figures         `json:"unseen,omitempty"` // of the parts that no engine was mended by
	Groups   []Group          `json:"groups"`           // languages, industries, industries in each language
	Unshown  int              `json:"not_shown"`
	Never    int              `json:"never"`
	Degraded map[string]int   `json:"degraded,omitempty"` // texts by rules in the model's place, by why
	Unjudged map[string]int   `json:"unjudged,omitempty"`
	Usage    connectors.Usage `json:"usage"` // of the texts
	Judging  connectors.Usage `json:"judging"`
	Cases    []Case           `json:"journeys"` // the worst first
}

// Run takes each journey through what the daemon would, and holds the texts against the labels. It fails when ctx has ended, or where the
// settings do not hold.
func Run(ctx context.Context, set *Set, o Options) (*Result, error) {
	if err := set.Labelled(); err != nil {
		return nil, err
	}
	readings, err := set.readings(o.Reading)
	if err != nil {
		return nil, err
	}
	cases := make([]Case, len(set.Journeys))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(max(1, o.Concurrency))
	for i := range set.Journeys {
		g.Go(func() error {
			c := &set.Journeys[i]
			reading := readings[spoken{c.Vendor, c.Language()}]
			s := set.Subject(c, reading.Journey, c.Language())
			in, err := reading.Engine.Infer(ctx, s)
			if err == nil {
				cases[i], err = set.hold(ctx, c, &in, &s, o.Judge)
			}
			if o.Done != nil && err == nil {
				o.Done()
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return sum(cases, o.Judge), nil
}

// spoken is a vendor in a language.
type spoken struct{ vendor, lang string }

func (s *Set) readings(of func(*Vendor, string) (Reading, error)) (map[spoken]Reading, error) {
	if of == nil {
		of = func(v *Vendor, lang string) (Reading, error) {
			if v == nil {
				v = &Vendor{}
			}
			return v.Rules(lang)
		}
	}
	out := map[spoken]Reading{}
	for i := range s.Journeys {
		key := spoken{s.Journeys[i].Vendor, s.Journeys[i].Language()}
		if _, made := out[key]; made {
			continue
		}
		r, err := of(s.Vendors[key.vendor], key.lang)
		if err != nil {
			return nil, err
		}
		out[key] = r
	}
	return out, nil
}

// hold sets the text of a journey against its labels.
func (s *Set) hold(ctx context.Context, c *Journey, in *intent.Intent, sub *intent.Subject, judge *Judge) (Case, error) {
	out := Case{Name: c.Name, Industry: "of your own", Language: c.Language(), Text: Text(in), Degraded: in.Degraded, Unseen: c.Unseen, usage: in.Usage}
	if v := s.Vendors[c.Vendor]; v != nil && v.Industry != "" {
		out.Industry = v.Industry
	}
	statements := Statements(in)
	verdict := match(c, out.Text, statements)
	if judge != nil {
		v, usage, err := judge.hold(ctx, c, out.Text, statements)
		out.judging = usage
		switch {
		case ctx.Err() != nil:
			return out, ctx.Err()
		case err != nil:
			out.Unjudged = connectors.KindOf(err).String()
		default:
			verdict = v
		}
	}
	f := &out.Figures
	f.Journeys, f.Facts, f.Statements = 1, len(c.Facts), len(statements)
	for i, stated := range verdict.stated {
		if stated {
			f.Stated++
		} else {
			out.Missing = append(out.Missing, c.Facts[i])
		}
	}
	for i, st := range statements {
		unshown := s.Unshown(st, sub.Journey, c, in.Engine == "rules")
		if verdict.held[i] && unshown == "" {
			f.Right++
		} else {
			out.Wrong = append(out.Wrong, Wrong{st.Text, unshown})
		}
	}
	for _, bad := range c.Never {
		if States(out.Text, bad) {
			out.Never = append(out.Never, bad)
		}
	}
	f.rate()
	return out, nil
}

// verdict is which facts a text states and which of its statements hold a label.
type verdict struct{ stated, held []bool }

// match is the verdict of the bundled matcher: it finds the labels' wordings, not their meaning.
func match(c *Journey, text string, statements []intent.Sentence) verdict {
	v := verdict{make([]bool, len(c.Facts)), make([]bool, len(statements))}
	for i, f := range c.Facts {
		v.stated[i] = States(text, f)
	}
	labels := slices.Concat(c.Facts, c.Also)
	for i, st := range statements {
		v.held[i] = slices.ContainsFunc(labels, func(f string) bool { return Touches(st.Text, f) })
	}
	return v
}

func (f *Figures) add(g *Figures) {
	f.Journeys += g.Journeys
	f.Facts += g.Facts
	f.Stated += g.Stated
	f.Statements += g.Statements
	f.Right += g.Right
}

func (f *Figures) rate() {
	f.Precision, f.Recall, f.F1 = share(f.Right, f.Statements), share(f.Stated, f.Facts), 0
	if f.Precision+f.Recall > 0 {
		f.F1 = 2 * f.Precision * f.Recall / (f.Precision + f.Recall)
	}
}

func share(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}

// figures of cases, with limits where there are enough of them.
func figures(cases []*Case) (f Figures) {
	for _, c := range cases {
		f.add(&c.Figures)
	}
	f.rate()
	const enough, samples = 10, 1000
	if len(cases) < enough {
		return f
	}
	draw := rand.New(rand.NewPCG(1, uint64(len(cases))))
	all := make([]float64, samples)
	for i := range all {
		var again Figures
		for range cases {
			again.add(&cases[draw.IntN(len(cases))].Figures)
		}
		again.rate()
		all[i] = again.F1
	}
	slices.Sort(all)
	f.Low, f.High = &all[samples/40], &all[samples-1-samples/40]
	return f
}

// sum makes the result of its cases.
func sum(cases []Case, judge *Judge) *Result {
	r := &Result{Engine: "rules", Judge: "matcher", Degraded: map[string]int{}, Unjudged: map[string]int{}, Cases: cases}
	if judge != nil {
		r.Judge = judge.Name
	}
	slices.SortStableFunc(r.Cases, func(a, b Case) int {
		return cmp.Or(cmp.Compare(a.Figures.F1, b.Figures.F1), cmp.Compare(len(b.Missing), len(a.Missing)), cmp.Compare(a.Name, b.Name))
	})
	of := map[Group][]*Case{}
	var unseen []*Case
	for i := range r.Cases {
		c := &r.Cases[i]
		for _, key := range []Group{{}, {Language: c.Language}, {Industry: c.Industry}, {Industry: c.Industry, Language: c.Language}} {
			of[key] = append(of[key], c)
		}
		if c.Unseen {
			unseen = append(unseen, c)
		}
		for _, w := range c.Wrong {
			if w.Unshown != "" {
				r.Unshown++
			}
		}
		r.Never += len(c.Never)
		if c.Degraded != "" {
			r.Degraded[c.Degraded]++
		}
		if c.Unjudged != "" {
			r.Unjudged[c.Unjudged]++
		}
		r.Usage, r.Judging = r.Usage.Add(c.usage), r.Judging.Add(c.judging)
	}
	if len(unseen) > 0 {
		f := figures(unseen)
		r.Unseen = &f
	}
	for key, list := range of {
		if key == (Group{}) {
			r.All = figures(list)
			continue
		}
		key.Figures = figures(list)
		r.Groups = append(r.Groups, key)
	}
	slices.SortFunc(r.Groups, func(a, b Group) int {
		return cmp.Or(cmp.Compare(a.Industry, b.Industry), cmp.Compare(a.Language, b.Language))
	})
	return r
}

// Of are the figures of an industry in a language, "" being all; nil if there are none.
func (r *Result) Of(industry, language string) *Figures {
	i := slices.IndexFunc(r.Groups, func(g Group) bool { return g.Industry == industry && g.Language == language })
	if i < 0 {
		return nil
	}
	return &r.Groups[i].Figures
}
