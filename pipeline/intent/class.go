package intent

import (
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/memo"
)

// Class is who somebody is, where that goes before what they want.
type Class string

// The classes. All but the customer get no sales step.
const (
	ClassCustomer   Class = "customer"
	ClassCompetitor Class = "competitor"
	ClassStudent    Class = "student"
	ClassJobSeeker  Class = "job_seeker"
	ClassPress      Class = "press"
	ClassSupplier   Class = "supplier"
	classNone       Class = ""
)

// negative classes get no sales step.
func (c Class) negative() bool { return c != classNone && c != ClassCustomer }

// Rival is a competitor, as the config names them.
type Rival struct {
	Name    string   `json:"name"`
	Domains []string `json:"domains"`
}

// classify says who somebody is: by the CRM, by their own words, by what they did. company is the rival's name.
func (n *note) classify() (c Class, company string, of *fact) {
	p := &n.s.Profile
	job := jobs.Of(p.JobTitle, func() job { return jobOf(p.JobTitle) })
	if r := n.rivalOf(p); r != "" {
		return ClassCompetitor, r, n.newestPage()
	}
	if job.watches {
		return ClassCompetitor, p.Company, n.newestPage()
	}
	if f := n.newest(ActJobApply); f != nil {
		return ClassJobSeeker, "", f
	}
	if f := n.newest(ActPress); f != nil && f.sent {
		return ClassPress, "", f
	}
	if f := n.newest(ActSupply); f != nil {
		return ClassSupplier, "", f
	}
	for i := range n.facts {
		f := &n.facts[i]
		switch {
		case f.ask.study || f.ask.student:
			return ClassStudent, "", f
		case f.ask.press && f.act.request() && len(f.ask.quantities) == 0:
			return ClassPress, "", f
		case f.ask.seeks && f.act.request() && len(f.ask.quantities) == 0:
			return ClassJobSeeker, "", f
		case f.ask.sells != "" && f.act.request() && len(f.ask.quantities) == 0:
			return ClassSupplier, "", f
		}
	}
	switch {
	case job.studies:
		return ClassStudent, "", n.newestOwn()
	case job.reports && n.newest(ActPress) != nil:
		return ClassPress, "", n.newest(ActPress)
	}
	careers, other := 0, 0
	for i := range n.facts {
		f := &n.facts[i]
		switch {
		case f.act == ActCareers:
			careers += f.count
		case f.act.Page() || f.act.strong() || f.act.request():
			other += f.count
		}
	}
	if careers >= 2 && careers > other {
		return ClassJobSeeker, "", n.newest(ActCareers)
	}
	if n.s.Customer || strings.EqualFold(p.Lifecycle, "customer") {
		return ClassCustomer, "", nil
	}
	return classNone, "", nil
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
	title := " " + strings.Join(words(jobTitle), " ") + " "
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
	for i := range n.r.o.Rivals {
		r := &n.r.o.Rivals[i]
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
		if f := &n.facts[i]; f.act == ActCompare && f.rival != "" && foldSubject(f.rival) == company {
			return f.rival
		}
	}
	return ""
}
