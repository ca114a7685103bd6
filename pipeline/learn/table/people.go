package table

import (
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/intentd/intentd/pipeline/learn"
	"github.com/intentd/intentd/pipeline/learn/backtest"
	"github.com/intentd/intentd/pipeline/score"
)

// Columns say what the columns of a table of people are.
type Columns struct {
	Outcome  string   // won or lost
	Date     string   // of the outcome; "": none
	Score    string   // the team's own score; "": none
	Features []string // what is learned from; nil: every column that names nobody
	Trusted  []string // as backtest.Population
}

// Why rows are left out.
const (
	whyLength  = "the row has another number of columns than the header"
	whyOutcome = "no outcome yet"
	whyWord    = "the outcome is neither won nor lost"
	whyDate    = "the date cannot be read"
)

// people reads a table of people.
type people struct {
	t               *Table
	c               Columns
	outcome, date   int // columns; −1: none
	given           int
	facts           []column
	dates           dates
	baseline        [3]int // columns; −1: none
	baselineDates   [2]bool
	leftOut         map[string]int
	words           map[string]int // of outcomes that say neither
	badDate         string
	rows, won, kept int
	unscored        int // kept without a score of their own
}

type column struct {
	at   int
	name string
}

// People reads the people of a table. The table is read once to see that it can be, and again whenever the population is gone through.
func People(t *Table, c Columns, set score.Settings) (*backtest.Population, error) {
	p := &people{t: t, c: c, date: -1, given: -1, leftOut: map[string]int{}, words: map[string]int{}}
	var err error
	if p.outcome, err = t.Column(c.Outcome, "--outcome"); err != nil {
		return nil, err
	}
	if c.Date != "" {
		if p.date, err = t.Column(c.Date, "--date"); err != nil {
			return nil, err
		}
	}
	if c.Score != "" {
		if p.given, err = t.Column(c.Score, "--score"); err != nil {
			return nil, err
		}
	}
	without, err := p.choose()
	if err != nil {
		return nil, err
	}
	p.findBaselines()
	if err := p.check(); err != nil {
		return nil, err
	}
	trusted := make([]string, len(c.Trusted))
	for i, name := range c.Trusted {
		k, err := t.Column(name, "--trust")
		if err != nil {
			return nil, err
		}
		trusted[i] = t.Header[k]
	}
	out := &backtest.Population{People: p.each, Settings: set, LeftOut: p.leftOut, Without: without, Trusted: trusted}
	if p.given >= 0 {
		out.Given = t.Header[p.given]
		switch {
		case p.unscored == p.kept:
			return nil, fmt.Errorf("%s: column %s holds no number: name the column of your score, or leave --score out", t.Path, out.Given)
		case p.unscored > 0:
			out.Remarks = append(out.Remarks, fmt.Sprintf("%s: %d people have none and stand lowest", out.Given, p.unscored))
		}
	}
	for i, at := range p.baseline {
		out.Baseline[i] = at >= 0
	}
	return out, nil
}

// naming are columns, as folded writes them, that say who somebody is and nothing else; and a rep's verdict, which is an outcome.
var naming = []string{"id", "email", "emailaddress", "name", "firstname", "lastname", "fullname", "phone", "phonenumber", "mobile", "address", "street", "url", "website", "notes", "owner", "person", "contact", "leadnumber", "prospectid",
	"leadid", "recordid", "contactid", "userid", "customerid", "dealname", "verdict"}

// components are columns that are read as the formula's.
var components = []string{"volume", "recency", "topics"}

// choose finds the columns that are facts, and those among them that are not learned from.
func (p *people) choose() (without []string, err error) {
	taken := func(i int) bool { return i == p.outcome || i == p.date || i == p.given }
	if len(p.c.Features) == 0 {
		for i, name := range p.t.Header {
			if !taken(i) && !slices.Contains(naming, folded(name)) && name != "" {
				p.facts = append(p.facts, column{i, p.named(name)})
			}
		}
		return nil, nil
	}
	for _, name := range p.c.Features {
		i, err := p.t.Column(name, "--features")
		if err != nil {
			return nil, err
		}
		if i == p.outcome {
			return nil, fmt.Errorf("--features names %s, which is the outcome: leave it out", p.t.Header[i])
		}
		p.facts = append(p.facts, column{i, p.named(p.t.Header[i])})
	}
	for i, name := range p.t.Header {
		if slices.Contains(components, folded(name)) && !taken(i) && !slices.ContainsFunc(p.facts, func(c column) bool { return c.at == i }) {
			p.facts = append(p.facts, column{i, p.named(name)})
			without = append(without, p.named(name))
		}
	}
	return without, nil
}

// named is what a column's facts are called: the components go by their own names.
func (p *people) named(header string) string {
	if folded := folded(header); slices.Contains(components, folded) {
		return folded
	}
	return header
}

// findBaselines finds columns that say what a team would sort by.
func (p *people) findBaselines() {
	lists := [3][2][]string{
		{{"dayssincelastform", "dayssinceform"}, {"lastform", "lastformat", "recentconversiondate", "lastformsubmission"}},
		{{"dayssincelastactivity", "dayssincelastvisit", "dayssincelastseen"}, {"lastactivity", "lastactivityat", "lastactivitydate", "lastseen", "lastvisit", "timeoflastsession"}},
		{{"pageviews", "pageviews", "pagesviewed", "numberofpageviews", "totalpageviews"}, nil},
	}
	for i, list := range lists {
		p.baseline[i] = -1
		for k, names := range list {
			if k == 1 && p.date < 0 {
				continue // a date says nothing without the date of the outcome
			}
			at := slices.IndexFunc(p.t.Header, func(h string) bool { return slices.Contains(names, folded(h)) })
			if at >= 0 && p.baseline[i] < 0 {
				p.baseline[i] = at
				if i < 2 {
					p.baselineDates[i] = k == 1
				}
			}
		}
	}
}

// check reads the table once: it counts what is left out, and fails where too little is left.
func (p *people) check() error {
	if err := p.readOrder(); err != nil {
		return err
	}
	var who backtest.Person
	err := p.t.Rows(func(cells []string) bool {
		p.rows++
		if why := p.read(cells, &who, true); why != "" {
			p.leftOut[why]++
			return true
		}
		p.kept++
		if p.given >= 0 && math.IsNaN(number(cells[p.given])) {
			p.unscored++
		}
		if who.Won {
			p.won++
		}
		return true
	})
	if err != nil {
		return err
	}
	name := p.t.Header[p.outcome]
	switch {
	case p.rows == 0:
		return fmt.Errorf("%s holds a header and no row: there is nobody to judge on", p.t.Path)
	case p.kept == 0 && p.leftOut[whyDate] > 0 || 2*p.leftOut[whyDate] > p.rows:
		return fmt.Errorf("%s: %d of %d dates in column %s cannot be read, %q for example: write them as 2026-11-28, or leave --date out", p.t.Path, p.leftOut[whyDate], p.rows, p.t.Header[p.date], p.badDate)
	case p.kept == 0 && p.leftOut[whyWord] > 0, 2*p.leftOut[whyWord] > p.rows:
		return fmt.Errorf("%s: column %s says %s, which is neither won nor lost: write 1 for won and 0 for lost, or name another --outcome", p.t.Path, name, p.commonest())
	case p.kept == 0:
		return fmt.Errorf("%s: column %s is empty in all %d rows: name the column that says who was won", p.t.Path, name, p.rows)
	case p.won == 0:
		return fmt.Errorf("%s: all %d people were lost by column %s: a backtest needs won ones, too", p.t.Path, p.kept, name)
	case p.won == p.kept:
		return fmt.Errorf("%s: all %d people were won by column %s: a backtest needs lost ones, too", p.t.Path, p.kept, name)
	}
	return nil
}

// readOrder finds out whether dates with slashes name the day or the month first. Where nothing tells, it is an error: a guess would part the people wrongly.
func (p *people) readOrder() error {
	if p.date < 0 {
		return nil
	}
	day, month, seen, example := false, false, 0, ""
	err := p.t.Rows(func(cells []string) bool {
		if cells == nil {
			return true
		}
		if a, b, ok := halves(cells[p.date]); ok {
			seen++
			example = strings.Clone(cells[p.date])
			day, month = day || a > 12, month || b > 12
		}
		return !(day || month)
	})
	if err != nil {
		return err
	}
	if seen > 0 && !day && !month {
		return fmt.Errorf("%s: dates like %q in column %s may name the day or the month first: write them as 2026-11-28", p.t.Path, example, p.t.Header[p.date])
	}
	p.dates.dayFirst = day
	return nil
}

// commonest are the words of outcomes that say neither.
func (p *people) commonest() string {
	words := slices.Sorted(maps.Keys(p.words))
	slices.SortStableFunc(words, func(a, b string) int { return p.words[b] - p.words[a] })
	for i := range words {
		words[i] = strconv.Quote(words[i])
	}
	return strings.Join(words[:min(3, len(words))], ", ")
}

// each goes through the people again.
func (p *people) each() iter.Seq[*backtest.Person] {
	return func(yield func(*backtest.Person) bool) {
		var who backtest.Person
		_ = p.t.Rows(func(cells []string) bool { // it could be read before; what changed since is left out
			return p.read(cells, &who, false) != "" || yield(&who)
		})
	}
}

// read makes a person of a row, or says why not.
func (p *people) read(cells []string, who *backtest.Person, first bool) (why string) {
	if cells == nil {
		return whyLength
	}
	won, ok := outcome(cells[p.outcome])
	if !ok {
		word := strings.TrimSpace(cells[p.outcome])
		if word == "" {
			return whyOutcome
		}
		if first && len(p.words) < 100 {
			p.words[strings.Clone(word)]++
		}
		return whyWord
	}
	*who = backtest.Person{Won: won, Facts: who.Facts[:0], Given: math.NaN()}
	if p.date >= 0 {
		at, ok := p.dates.read(cells[p.date])
		if !ok {
			if first && p.badDate == "" {
				p.badDate = strings.Clone(cells[p.date])
			}
			return whyDate
		}
		who.At = at
	}
	if first {
		return ""
	}
	if p.given >= 0 {
		who.Given = number(cells[p.given])
	}
	for _, c := range p.facts {
		if f, ok := learn.ParseFact(c.name, cells[c.at]); ok {
			who.Facts = append(who.Facts, f)
		}
	}
	who.FormDays, who.ActiveDays, who.PageViews = p.since(0, cells, who.At), p.since(1, cells, who.At), p.since(2, cells, who.At)
	return ""
}

// since reads a baseline: days, or a count; NaN where it is not known, or later than the outcome.
func (p *people) since(i int, cells []string, at time.Time) float64 {
	if p.baseline[i] < 0 {
		return math.NaN()
	}
	cell := strings.TrimSpace(cells[p.baseline[i]])
	if i < 2 && p.baselineDates[i] {
		d := dates{dayFirst: p.dates.dayFirst}
		if then, ok := d.read(cell); ok && !then.After(at) {
			return math.Floor(at.Sub(then).Hours() / 24)
		}
		return math.NaN()
	}
	return number(cell)
}

// number reads a cell; NaN where it is none.
func number(cell string) float64 {
	if x, err := strconv.ParseFloat(strings.TrimSpace(cell), 64); err == nil {
		return x
	}
	return math.NaN()
}
