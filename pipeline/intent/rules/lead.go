package rules

import (
	"slices"

	"github.com/intentd/intentd/pipeline/intent/act"
)

// leads begins a text with what leads it as of n.age; ok is false if nothing does.
func (n *note) leads() (as form, ok bool) {
	for i := range n.facts {
		n.facts[i].told, n.facts[i].said = false, ""
	}
	n.noRequest, n.marks = false, nil
	n.lead, as = n.leading()
	n.back = as == formBack
	return as, n.lead != nil
}

// ages says whether what leads reads differently as it grows old.
func (n *note) ages() bool {
	a := n.lead.act
	return a.Request() || a.Unfinished() || a.Strong() || a.First() && a != act.Unsubscribe
}

// leading finds what goes first: a refusal, cancellation or unsubscription; an open request or unfinished step of the last 14 days; the
// newest of newer strong acts; an older request; whatever else is known.
func (n *note) leading() (*fact, form) {
	var stop, open, strong, other, mail *fact
	for i := range n.facts {
		f := &n.facts[i]
		if f.colleague != "" {
			continue
		}
		switch a := f.act; {
		case f.is.First:
			stop = f
		case f.is.Request:
			open = f
			if stop != nil && f.at > stop.at {
				stop = nil
			}
		case f.is.Unfinished && (n.days(f.at) < freshDays || a == act.Trial && n.alive(f)):
			if open == nil || f.at >= open.at || n.days(open.at) >= freshDays {
				open = f
			}
		case f.is.Strong:
			if strong == nil || !n.sameDay(strong.at, f.at) || rank(f.act) <= rank(strong.act) {
				strong = f
			}
		case a == act.Open || a == act.Newsletter || a == act.Click || a == act.News || a == act.Mention:
			if mail == nil || rank(a) <= rank(mail.act) {
				mail = f
			}
		case a == act.Help || a == act.Careers || a == act.OurQuote || a == act.OurTouch || a == act.Press || a == act.Supply || a == act.JobApply:
		case a == act.Read && len(f.subjects) == 0 && other != nil: // a page that says nothing
		default:
			if other == nil || !n.sameDay(other.at, f.at) || rank(f.act) <= rank(other.act) {
				other = f
			}
		}
	}
	switch {
	case stop != nil:
		return stop, formPlain
	case open != nil && open.act.Request() && n.answeredBy(open) != nil && n.readAfter(n.answeredBy(open)) != nil:
		return open, formAnswered
	case open != nil && (n.days(open.at) < freshDays || open.act == act.Trial):
		return open, formPlain
	}
	if at := n.comeback(); at != nil {
		return at, formBack
	}
	if strong != nil && (open == nil || strong.at > open.at && strong.act != act.Download && strong.act != act.Register && strong.act != act.Attend) {
		return strong, n.strongForm(strong)
	}
	if open != nil {
		return open, formPlain
	}
	if other != nil && (mail == nil || mail.act == act.Open || mail.act == act.News || mail.act == act.Click || mail.act == act.Mention || mail.at < other.at) {
		return other, n.otherForm(other)
	}
	if mail != nil {
		return mail, formPlain
	}
	return other, formPlain
}

// strongForm is how a strong act without a request leads.
func (n *note) strongForm(f *fact) form {
	if f.act == act.Calculate || f.act == act.Compare {
		if c, x := n.newest(act.Calculate), n.newest(act.Compare); c != nil && x != nil && n.sameDay(c.at, x.at) && x.rival != "" && (len(c.ask.money) > 0 || c.price.amount != "") {
			return formWeighs
		}
	}
	if f.act == act.Price || f.act == act.Product {
		if a, b := n.twoProducts(); a != 0 && b != 0 {
			return formBoth
		}
	}
	if (f.act == act.Price || f.act == act.Compare || f.act == act.Calculate) && n.days(f.at) < 7 {
		for i := range n.facts {
			if g := &n.facts[i]; !n.sameDay(g.first, f.at) || g.act.Request() {
				return formPlain
			}
		}
		return formFirst
	}
	return formPlain
}

func (n *note) otherForm(f *fact) form {
	if f.act == act.Product || f.act == act.Read {
		if a, b := n.twoProducts(); a != 0 && b != 0 && n.newest(act.Price) != nil {
			return formBoth
		}
	}
	return formPlain
}

// rank orders acts of one day: the smaller leads. What is not ranked leads.
func rank(a act.Act) int { return ranks[a] - 1 }

var ranks = func() map[act.Act]int {
	places := map[act.Act]int{}
	for i, a := range ranked {
		places[a] = i + 1
	}
	return places
}()

var ranked = []act.Act{act.Met, act.OrderPage, act.Calculate, act.Terms, act.Price, act.Compare, act.Sample, act.Form, act.SignUp, act.Register, act.Attend, act.Download, act.Invite, act.Chat, act.Product, act.Case, act.Search, act.Read, act.Use, act.Visit,
	act.Newsletter, act.Click, act.Mention, act.Open, act.News,
}

// comeback is what somebody did last after a silence of 30 days or more, if that was in the last 14.
func (n *note) comeback() *fact {
	after := n.after
	if after == 0 || n.days(after) >= freshDays {
		return nil
	}
	var best *fact
	for i := range n.facts {
		f := &n.facts[i]
		if f.at >= after && f.colleague == "" && (f.act.Strong() || f.act.Page()) && (best == nil || f.act.Strong() && (!best.act.Strong() || f.at > best.at) || !best.act.Strong() && f.at > best.at) {
			best = f
		}
	}
	return best
}

// silence is the last pause of 30 days or more: what came before and after it.
func (n *note) silence() (before, after int64) {
	var room [64]int64
	at := room[:0]
	for i := range n.facts {
		f := &n.facts[i]
		if f.colleague != "" || f.act == act.Open || f.act == act.News || f.act == act.OurQuote || f.act == act.OurTouch || f.summary > 0 {
			continue
		}
		at = append(at, f.days...)
		at = append(at, f.at)
	}
	slices.Sort(at)
	for i := len(at) - 1; i > 0; i-- {
		if at[i]-at[i-1] >= 30*86400 {
			return at[i-1], at[i]
		}
	}
	return 0, 0
}
