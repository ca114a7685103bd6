package rules

import (
	"cmp"
	"slices"
	"strings"

	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/intent/act"
	"github.com/intentd/intentd/pipeline/intent/plain"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/memo"
)

// topicsOfPage are those of a page. They are shared.
func (n *note) topicsOfPage(title, url string) *pageTopics {
	return n.site.pages.Of(page{title, url, n.products, n.l.german}, func() *pageTopics {
		of := n.site.tellable(subjects(title, url, slices.Concat(n.s.Journey.Products, n.vendor())))
		return &pageTopics{of, n.topicNames(of)}
	})
}

// topicNames are those of subjects that may be told.
func (n *note) topicNames(subjects []string) (out []topicName) {
	for _, s := range subjects {
		if s = plain.Text(s, 60); s != "" && !plain.HasLink(s, n.site.o.Hosts) {
			out = append(out, n.topicName(s, translated(s, n.l.german)))
		}
	}
	return out
}

func (n *note) topicName(subject, name string) topicName {
	t := topicName{subject: subject, name: name, key: folded.Of(name, func() string { return " " + foldSubject(name) + " " })}
	for i := range len(t.key) {
		t.bytes |= 1 << (t.key[i] % 64)
	}
	return t
}

// topicsOf notes what a step was about: the config's topic, else the object's own name or the page's.
func (n *note) topicsOf(f *fact, st *journey.Step, sig *journey.Signal) {
	e := &st.Event
	var named []string // by config
	if sig != nil {
		for _, t := range sig.Topics {
			if !slices.Contains(n.s.Journey.Products, t) && n.configured(t, e.PageTitle, sig.Title) {
				named = append(named, upperFirst(t))
			}
		}
	}
	var topics []topicName
	switch {
	case len(named) > 0:
		f.subjects = n.site.tellable(named)
	case f.act == act.Download || f.act == act.Register || f.act == act.Attend:
		name := f.title
		if kind, rest, first := docKind(name); kind != "" && (!first || rest == "") {
			name = strings.TrimSuffix(strings.TrimSuffix(rest, " buyer"), " buyer's")
		}
		f.subjects, _ = titleSubjects(name, slices.Concat(n.s.Journey.Products, n.vendor()))
		f.subjects = n.site.tellable(f.subjects)
	case f.act == act.Read || f.act == act.Product || f.act == act.Case || f.act == act.Compare:
		if st.Trusted {
			page := n.topicsOfPage(e.PageTitle, e.URL)
			f.subjects, topics = page.subjects, page.topics
		}
	case f.act == act.Stuck:
		if f.item != "" && len(strings.Fields(f.item)) > 1 {
			f.subjects = n.site.tellable([]string{upperFirst(f.item)})
		}
	}
	if f.colleague != "" || f.act == act.Help {
		return
	}
	if p := f.ask.place; p != "" && !f.ask.hostile {
		n.topic(n.topicName(p, p), act.EventID(st), f, false)
	}
	if f.act == act.Compare && noun(f.rival) && !leavable[strings.ToLower(f.rival)] && len(f.subjects) == 0 {
		n.topic(n.topicName(f.rival, upperFirst(f.rival)), act.EventID(st), f, false)
	}
	if topics == nil {
		topics = n.topicNames(f.subjects)
	}
	for _, t := range topics {
		trusted := sig != nil && slices.ContainsFunc(sig.Topics, func(named string) bool { return strings.EqualFold(named, t.subject) })
		n.topic(t, act.EventID(st), f, trusted)
	}
}

// configured says that the config names the topic t, rather than that it was made of the page's title.
func (n *note) configured(t, title, short string) bool {
	if n.site.o.Topics != nil {
		return slices.ContainsFunc(n.site.o.Topics, func(c string) bool { return strings.EqualFold(c, t) })
	}
	title = strings.TrimSpace(title)
	return t != "" && !strings.EqualFold(title[:min(len(t), len(title))], t) && !strings.EqualFold(t, short)
}

const (
	topicsKept = 5
	topicsMost = 32 // that are looked at
)

// folded are names of topics as foldSubject has them, between spaces.
var folded memo.Memo[string, string]

// topic notes one: of two where one holds the other, the longer is kept.
func (n *note) topic(of topicName, id string, f *fact, trusted bool) {
	weight := 1
	if f.act != act.Read && f.act != act.Product {
		weight = 2
	}
	for i := range n.topics {
		t := &n.topics[i]
		if !t.holds(&of) && !of.holds(&t.topicName) {
			continue
		}
		if len(of.key) > len(t.key) {
			t.topicName, t.trusted = of, trusted
		}
		t.weight, t.at = max(t.weight, weight), max(t.at, f.at)
		if len(t.events) < intent.MaxCites {
			t.events = append(t.events, id)
		} else {
			t.events[intent.MaxCites-1] = id
		}
		return
	}
	if len(n.topics) == topicsMost {
		return
	}
	var events []string
	if i := len(n.topics); i < cap(n.topics) {
		events = n.topics[:i+1][i].events[:0] // of a note before
	}
	n.topics = append(n.topics, topicFact{topicName: of, events: append(events, id), weight: weight, at: f.at, trusted: trusted})
}

// topTopics are the topics to show: strongest and newest first.
func (n *note) topTopics() []intent.Topic {
	var room [topicsMost]int
	top := room[:0] // places in n.topics
	for i := range n.topics {
		top = append(top, i)
	}
	slices.SortFunc(top, func(i, k int) int {
		a, b := &n.topics[i], &n.topics[k]
		return cmp.Or(b.weight-a.weight, cmp.Compare(b.at, a.at), i-k)
	})
	if top = top[:min(len(top), topicsKept)]; len(top) == 0 {
		return nil
	}
	cited := 0
	for _, i := range top {
		cited += len(n.topics[i].events)
	}
	out, cites := make([]intent.Topic, len(top)), make([]string, 0, cited) // one room for the citations of all
	for i, at := range top {
		t := &n.topics[at]
		from := len(cites)
		cites = append(cites, t.events...)
		out[i] = intent.Topic{Name: t.name, Cites: slices.Clip(cites[from:]), Trusted: t.trusted}
	}
	return out
}
