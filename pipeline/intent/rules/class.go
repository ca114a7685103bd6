package rules

import (
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/intent/act"
	"github.com/intentd/intentd/pipeline/intent/plain"
	"github.com/intentd/intentd/pipeline/memo"
)

// classify says who somebody is: by the CRM, by their own words, by what they did. company is the rival's name.
func (n *note) classify() (c intent.Class, company string, of *fact) {
	p := &n.s.Profile
	job := jobs.Of(p.JobTitle, func() job { return jobOf(p.JobTitle) })
	if r := n.rivalOf(p); r != "" {
		return intent.ClassCompetitor, r, n.newestPage()
	}
	if job.watches {
		return intent.ClassCompetitor, p.Company, n.newestPage()
	}
	if f := n.newest(act.JobApply); f != nil {
		return intent.ClassJobSeeker, "", f
	}
	if f := n.newest(act.Press); f != nil && f.sent {
		return intent.ClassPress, "", f
	}
	if f := n.newest(act.Supply); f != nil {
		return intent.ClassSupplier, "", f
	}
	for i := range n.facts {
		f := &n.facts[i]
		switch {
		case f.ask.study || f.ask.student:
			return intent.ClassStudent, "", f
		case f.ask.press && f.act.Request() && len(f.ask.quantities) == 0:
			return intent.ClassPress, "", f
		case f.ask.seeks && f.act.Request() && len(f.ask.quantities) == 0:
			return intent.ClassJobSeeker, "", f
		case f.ask.sells != "" && f.act.Request() && len(f.ask.quantities) == 0:
			return intent.ClassSupplier, "", f
		}
	}
	switch {
	case job.studies:
		return intent.ClassStudent, "", n.newestOwn()
	case job.reports && n.newest(act.Press) != nil:
		return intent.ClassPress, "", n.newest(act.Press)
	}
	careers, other := 0, 0
	for i := range n.facts {
		f := &n.facts[i]
		switch {
		case f.act == act.Careers:
			careers += f.count
		case f.act.Page() || f.act.Strong() || f.act.Request():
			other += f.count
		}
	}
	if careers >= 2 && careers > other {
		return intent.ClassJobSeeker, "", n.newest(act.Careers)
	}
	if n.s.Customer || strings.EqualFold(p.Lifecycle, "customer") {
		return intent.ClassCustomer, "", nil
	}
	return intent.ClassNone, "", nil
}

// job is what a job title says of who somebody is.
type job struct {
	watches bool // competitors, for a living
	studies bool
	reports bool
}

// jobs are those of titles, which many share.
var jobs memo.Memo[string, job]

func jobOf(jobTitle string) job {
	title := " " + strings.Join(plain.Words(jobTitle), " ") + " "
	has := func(list ...string) bool {
		return slices.ContainsFunc(list, func(w string) bool { return strings.Contains(title, " "+w+" ") })
	}
	return job{
		watches: has("competitive intelligence", "competitor analyst", "wettbewerbsanalyse", "market intelligence"),
		studies: has("student", "studentin", "studierende", "studierender", "phd candidate", "doktorand", "doktorandin", "pupil", "schüler", "undergraduate", "werkstudent") &&
			!has("student services", "student affairs", "head", "director"),
		reports: has("journalist", "journalistin", "reporter", "redakteur", "redakteurin", "correspondent", "news editor"),
	}
}

// rivalOf is the competitor that the person works for: one of the config's, or one that the site compares itself with.
func (n *note) rivalOf(p *connectors.Profile) string {
	company := foldSubject(p.Company)
	for i := range n.site.o.Rivals {
		r := &n.site.o.Rivals[i]
		if company != "" && foldSubject(r.Name) == company {
			return r.Name
		}
		for _, d := range r.Domains {
			d = strings.ToLower(strings.TrimPrefix(d, "@"))
			if d != "" && (n.s.Domain == d || strings.HasSuffix(n.s.Domain, "."+d)) {
				return r.Name
			}
		}
	}
	if company == "" {
		return ""
	}
	for i := range n.facts {
		if f := &n.facts[i]; f.act == act.Compare && f.rival != "" && foldSubject(f.rival) == company {
			return f.rival
		}
	}
	return ""
}
