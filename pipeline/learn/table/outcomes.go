package table

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/intentd/intentd/pipeline/learn/backtest"
)

// Outcome is a row of a table of outcomes.
type Outcome struct {
	Who     string // address
	Won     bool
	At      time.Time
	Worth   float64           // of a column worth, amount, value or revenue; 0: not known
	Profile map[string]string // of the columns that were asked for
}

// Outcomes reads a table with the columns email, outcome and at, one with what it was worth if there is any, and of the profile columns those that it has. Rows that cannot be used are counted by their reason.
func Outcomes(path string, profile []string) (out []Outcome, leftOut map[string]int, err error) {
	t, err := Open(path)
	if err != nil {
		return nil, nil, err
	}
	p := &people{t: t, given: -1, baseline: [3]int{-1, -1, -1}, leftOut: map[string]int{}, words: map[string]int{}}
	who := -1
	for _, c := range []struct {
		at    *int
		names []string
	}{{&who, []string{"email", "emailaddress", "person", "userid"}}, {&p.outcome, []string{"outcome", "won", "result"}}, {&p.date, []string{"at", "date", "outcomeat", "closedat", "createdat", "time"}}} {
		for _, name := range c.names {
			if *c.at = slices.IndexFunc(t.Header, func(h string) bool { return folded(h) == name }); *c.at >= 0 {
				break
			}
		}
		if *c.at < 0 {
			return nil, nil, fmt.Errorf("%s has no column %s, only %s: its header must be email,outcome,at", path, c.names[0], strings.Join(t.Header, ", "))
		}
	}
	columns := map[string]int{}
	for _, name := range profile {
		if i, err := t.Column(name, "--features"); err == nil && i != who && i != p.outcome && i != p.date {
			columns[name] = i
		}
	}
	worth := slices.IndexFunc(t.Header, func(h string) bool {
		return slices.Contains([]string{"worth", "amount", "value", "revenue"}, folded(h))
	})
	if err := p.check(); err != nil {
		return nil, nil, err
	}
	var read backtest.Person
	err = t.Rows(func(cells []string) bool {
		if p.read(cells, &read, true) != "" {
			return true // it was counted
		}
		o := Outcome{Who: strings.Clone(strings.ToLower(strings.TrimSpace(cells[who]))), Won: read.Won, At: read.At}
		if worth >= 0 {
			o.Worth, _ = strconv.ParseFloat(strings.TrimSpace(cells[worth]), 64) // what is no number is not known
		}
		for name, i := range columns {
			if v := strings.TrimSpace(cells[i]); v != "" {
				if o.Profile == nil {
					o.Profile = map[string]string{}
				}
				o.Profile[name] = strings.Clone(v)
			}
		}
		out = append(out, o)
		return true
	})
	return out, p.leftOut, err
}
