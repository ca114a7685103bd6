package journey_test

import (
	"slices"
	"strconv"

	"github.com/intentd/intentd/connectors"
)

// The world of a site: people come and go by chance, each habit with its list of pages, told in our own words.

func siteMix(name string, shares map[string]float64, curious float64, every int, precision, recall float64) mix {
	shares[buyer] = 6
	return mix{name, shares, map[string]func(*lead){
		buyer: (*lead).buyer, "reader": (*lead).reader, "researcher": researcher(curious), "subscriber": (*lead).subscriber, "scanned": (*lead).scanned, "student": (*lead).student, "job seeker": (*lead).jobSeeker,
	}, "site.example", every, nil, precision, recall}
}

// siteMixes differ in how many researchers there are, and how many of them look at prices or comparisons.
var siteMixes = []mix{
	siteMix("kind", map[string]float64{"reader": 50, "researcher": 20, "subscriber": 14, "scanned": 6, "student": 2, "job seeker": 2}, 0, 1, 0.85, 0.85),
	siteMix("curious researchers", map[string]float64{"reader": 45, "researcher": 25, "subscriber": 12, "scanned": 6, "student": 3, "job seeker": 3}, 0.1, 1, 0.6, 0.85),
	siteMix("hard researchers", map[string]float64{"reader": 40, "researcher": 30, "subscriber": 12, "scanned": 6, "student": 3, "job seeker": 3}, 0.3, 1, 0.3, 0.85),
	siteMix("prices on half the sites", map[string]float64{"reader": 45, "researcher": 25, "subscriber": 12, "scanned": 6, "student": 3, "job seeker": 3}, 0.1, 2, 0.7, 0.8),
}

var (
	plain   = []string{"/", "/blog/1", "/blog/2", "/blog/3", "/blog/4", "/about", "/docs/api", "/docs/import", "/events"}
	product = []string{"/products/a", "/products/b", "/features/reports", "/features/import", "/security/sso", "/integrations"}
	studies = []string{"/case-studies/one", "/case-studies/two", "/case-studies/three"}
	priced  = []string{"/pricing", "/pricing/calculator", "/compare/other"}
)

// buyer comes three to eight times in the five weeks before the decision, most of them asking at the end.
func (l *lead) buyer() {
	l.decides = l.between(35, simulated-5)
	begin := l.decides - l.between(10, 35)
	visits := 2 + l.r.IntN(6)
	for range visits {
		day := l.between(begin, l.decides)
		l.visit(day, 1+l.r.IntN(5), slices.Concat(plain[:3], product, studies[:1])...)
		if l.prices && l.chance(0.6) {
			l.visit(day+0.005, 1+l.r.IntN(2), priced...)
		}
	}
	if l.chance(0.3) {
		l.at(l.between(begin, l.decides), connectors.KindFormSubmit, "/resources", connectors.PropForm, "Buying guide")
	}
	if l.chance(0.2) {
		l.at(l.decides-l.between(5, 15), connectors.KindTrial, "/trial")
	}
	if l.chance(0.7) {
		kind := []string{connectors.KindDemoRequest, connectors.KindQuoteRequest, connectors.KindContactRequest, connectors.KindBooking, connectors.KindEmailReply}[l.r.IntN(5)]
		l.at(l.decides-l.between(0.5, 14), kind, "")
	}
	l.mails(begin, l.decides, 0.5)
}

// reader comes now and then for what there is to read.
func (l *lead) reader() {
	for range 1 + l.r.IntN(4) {
		l.visit(l.between(0, simulated), 1+l.r.IntN(5), slices.Concat(plain, product[:2])...)
	}
	if l.chance(0.15) {
		l.at(l.between(0, simulated), connectors.KindFormSubmit, "/resources", connectors.PropForm, "Newsletter sign-up")
	}
}

// researcher reads a lot within some weeks, takes material, and may look at prices once or more: such a share of them does.
func researcher(curious float64) func(*lead) { return func(l *lead) { l.researcher(curious) } }

func (l *lead) researcher(curious float64) {
	begin := l.between(0, simulated-30)
	for range 2 + l.r.IntN(5) {
		l.visit(l.between(begin, begin+28), 2+l.r.IntN(6), slices.Concat(plain, product, studies)...)
	}
	if l.chance(0.5) {
		l.at(l.between(begin, begin+28), connectors.KindFormSubmit, "/resources", connectors.PropForm, []string{"Whitepaper", "Webinar registration", "Checklist"}[l.r.IntN(3)])
	}
	if l.prices && l.chance(curious) {
		for range 1 + l.r.IntN(3) {
			l.visit(l.between(begin, begin+28), 1, priced...)
		}
	}
	l.mails(begin, begin+28, 0.3)
}

// mails are opened, and clicked now and then.
func (l *lead) mails(from, to, click float64) {
	for range l.r.IntN(4) {
		day, camp := l.between(from, to), strconv.Itoa(l.r.IntN(20))
		l.at(day, connectors.KindEmailOpen, "", connectors.PropCampaign, camp)
		if l.chance(click) {
			l.at(day+0.001, connectors.KindEmailClick, plain[l.r.IntN(len(plain))], connectors.PropCampaign, camp)
		}
	}
}

// subscriber opens every mail, and leaves the list in the end or answers by a machine.
func (l *lead) subscriber() {
	for day := l.between(0, 20); day < simulated; day += l.between(5, 20) {
		l.at(day, connectors.KindEmailOpen, "", connectors.PropCampaign, strconv.Itoa(int(day)))
		switch {
		case l.chance(0.15):
			l.at(day+0.001, connectors.KindEmailClick, "/blog/1", connectors.PropCampaign, strconv.Itoa(int(day)))
			l.visit(day+0.0012, 1, "/blog/1")
		case l.chance(0.05):
			l.at(day+0.01, connectors.KindEmailClick, "/unsubscribe", connectors.PropCampaign, strconv.Itoa(int(day)))
		case l.chance(0.05):
			l.at(day+0.01, connectors.KindEmailReply, "", "subject", "Automatic reply: Out of office")
		}
	}
}

// scanned sits behind a gateway that opens all links of each mail, prices and demo among them.
func (l *lead) scanned() {
	for day := l.between(0, 20); day < simulated; day += l.between(10, 25) {
		second := 1.0 / 86400
		for i, path := range []string{"/pricing", "/demo", "/compare/other", "/blog/1", "/unsubscribe", "/legal/privacy"} {
			l.at(day+float64(i)*second/2, connectors.KindEmailClick, path, connectors.PropCampaign, strconv.Itoa(int(day)))
			l.at(day+float64(i)*second/2+second, connectors.KindPageView, path)
		}
	}
	if l.chance(0.3) {
		l.reader()
	}
}

// student takes what is free, and looks at prices for a thesis one time in three.
func (l *lead) student() {
	day := l.between(0, simulated-10)
	l.visit(day, 4+l.r.IntN(6), slices.Concat(plain, studies)...)
	l.at(day+0.02, connectors.KindFormSubmit, "/resources", connectors.PropForm, "Template")
	if l.prices && l.chance(0.3) {
		l.visit(day+1, 1, "/pricing")
	}
}

func (l *lead) jobSeeker() {
	day := l.between(0, simulated-10)
	l.visit(day, 8, "/careers", "/careers/1", "/careers/2", "/about")
	l.at(day+0.03, connectors.KindFormSubmit, "/careers/1", connectors.PropForm, "Job application")
}
