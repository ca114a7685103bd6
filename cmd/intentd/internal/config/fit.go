package config

import (
	"fmt"
	"strings"
)

// fit checks the rules that grade people, and the points of the grades.
func (c *checker) fit(cfg *Config) {
	f := &cfg.Fit
	if f.Combined && len(f.Rules) == 0 {
		c.Add("fit.combined", "there are no rules: nobody has a grade to combine", "add fit.rules, or leave it out")
	}
	if g := f.Grades; g.A <= g.B || g.B <= g.C {
		c.Add("fit.grades", fmt.Sprintf("a is %d, b %d and c %d: a better grade must begin at more points", g.A, g.B, g.C), "write for example {a: 70, b: 45, c: 20}")
	}
	for i, r := range f.Rules {
		at := fmt.Sprintf("fit.rules[%d]", i)
		c.Required(at+".property", strings.TrimSpace(r.Property), "name the property of the CRM that the rule asks for")
		c.knownCRM(cfg, at+".crm", r.CRM)
		if strings.Contains(r.Property, ".") && r.CRM == "" {
			c.Add(at+".property", "names an object, which only Salesforce has", "add crm, the name of that CRM")
		}
		if len(r.AnyOf)+len(r.Matches) == 0 && r.Min == nil && r.Max == nil {
			c.Add(at, "asks nothing of the property", "add any_of, matches, min or max; matches: [\"*\"] is any value")
		}
		if r.Min != nil && r.Max != nil && *r.Min > *r.Max {
			c.Add(at+".min", fmt.Sprintf("%g is more than max, %g: no number is both", *r.Min, *r.Max), "swap them")
		}
		if r.Points == 0 {
			c.Add(at+".points", "is 0: the rule would do nothing", "write how many points it gives, or takes: -20")
		} else {
			c.Whole(at+".points", r.Points, -1000, 1000, "write whole points between -1000 and 1000")
		}
	}
}
