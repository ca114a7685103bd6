// Package fit grades how well somebody suits, by what the CRM says of them: A to D. It knows nothing of what they did, and never moves the intent score.
//
// A rule names a property and conditions on its value; all conditions of a rule must hold, and each rule that holds adds its points. A property that is missing or empty gives
// nothing and is counted; where all are, there is no grade: nothing is known of them, which is not the worst.
package fit

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/intentd/intentd/pipeline/score"
)

// Rule gives points for a property's value.
type Rule struct {
	Property string
	CRM      string   // of this CRM alone; "": of any
	AnyOf    []string // the value is one of these, whatever the case; of a list ("a;b") one of its values
	Matches  []string // the value is like one of these: * stands for any part of it
	Min, Max *float64 // the value is a number within these
	Points   int
}

// Config are rules and the points from which each grade begins; below C it is D.
type Config struct {
	Rules    []Rule
	A, B, C  int
	Combined bool // the grade is shown together with the tier, too
}

// Result is a grade with what it rests on. The zero Result is none: no rules, or nothing known.
type Result struct {
	Grade   string   `json:"grade"` // A to D; "": nothing is known
	Points  int      `json:"points"`
	Rules   []Line   `json:"rules,omitempty"`   // those that held, in their order
	Missing []string `json:"missing,omitempty"` // properties that rules name and no record says anything of
}

// Line is a rule that held.
type Line struct {
	Property string `json:"property"`
	Value    string `json:"value"`
	Points   int    `json:"points"`
}

// IsZero says that nothing was asked.
func (r Result) IsZero() bool { return r.Grade == "" && len(r.Missing) == 0 }

// Judge grades by what value says of a property, in a CRM or any ("").
func (c *Config) Judge(value func(property, crm string) string) (r Result) {
	known := false
	for i := range c.Rules {
		rule := &c.Rules[i]
		v := strings.TrimSpace(value(rule.Property, rule.CRM))
		switch {
		case v == "":
			if !slices.Contains(r.Missing, rule.Property) {
				r.Missing = append(r.Missing, rule.Property)
			}
			continue
		case rule.holds(v):
			r.Points += rule.Points
			r.Rules = append(r.Rules, Line{rule.Property, v, rule.Points})
		}
		known = true
	}
	switch {
	case !known:
	case r.Points >= c.A:
		r.Grade = "A"
	case r.Points >= c.B:
		r.Grade = "B"
	case r.Points >= c.C:
		r.Grade = "C"
	default:
		r.Grade = "D"
	}
	return r
}

// Shown is the grade beside the tier, where both are shown combined: A1 is a good fit and high, D4 a bad one of whom nothing was seen. Without a grade it is "".
func (r *Result) Shown(tier score.Tier, combined bool) string {
	if r.Grade == "" || !combined {
		return ""
	}
	return r.Grade + strconv.Itoa(4-int(min(tier, score.High)))
}

// Hash is that of the rules: 0 for none.
func (c *Config) Hash() uint64 {
	if c == nil || len(c.Rules) == 0 {
		return 0
	}
	d := xxhash.New()
	for _, r := range c.Rules {
		_, _ = fmt.Fprintf(d, "%q %q %q %q %s %s %d\n", r.Property, r.CRM, r.AnyOf, r.Matches, number(r.Min), number(r.Max), r.Points)
	}
	_, _ = fmt.Fprintln(d, c.A, c.B, c.C, c.Combined)
	return d.Sum64()
}

func number(x *float64) string {
	if x == nil {
		return "-"
	}
	return strconv.FormatFloat(*x, 'g', -1, 64)
}

// holds says whether all conditions on a value that is not empty hold.
func (r *Rule) holds(v string) bool {
	if len(r.AnyOf) > 0 && !slices.ContainsFunc(strings.Split(v, ";"), func(one string) bool {
		return slices.ContainsFunc(r.AnyOf, func(want string) bool { return strings.EqualFold(strings.TrimSpace(one), strings.TrimSpace(want)) })
	}) {
		return false
	}
	if len(r.Matches) > 0 && !slices.ContainsFunc(r.Matches, func(pattern string) bool { return like(strings.ToLower(pattern), strings.ToLower(v)) }) {
		return false
	}
	if r.Min == nil && r.Max == nil {
		return true
	}
	x, err := strconv.ParseFloat(v, 64)
	return err == nil && (r.Min == nil || x >= *r.Min) && (r.Max == nil || x <= *r.Max)
}

// like says whether v is what a pattern says, in which * stands for any part.
func like(pattern, v string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == v
	}
	v, ok := strings.CutPrefix(v, parts[0])
	if !ok {
		return false
	}
	last := len(parts) - 1
	for _, part := range parts[1:last] {
		i := strings.Index(v, part)
		if i < 0 {
			return false
		}
		v = v[i+len(part):]
	}
	return strings.HasSuffix(v, parts[last])
}
