package journey

import (
	"slices"
	"strconv"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/score"
)

// KnowsForm says whether a list has a word for a form of this name, or a rule names it; one that nothing knows counts as form_submit.
func (b *Builder) KnowsForm(name string) bool {
	named := func(r Rule) bool { return r.Form != "" && fits(r.Form, name) }
	return b.c.forms.kind(formName(name)) != formOther || slices.ContainsFunc(b.config.Rules, named)
}

// form says what a form that was sent is worth, by its own name; one without a name by the event's, or by the path of its page. A page that does not
// count excludes all forms but a request that says so itself.
func (b *Builder) form(d decision, it *item, p *page) decision {
	name := clean(it.ev.Properties[connectors.PropForm], maxText)
	text := formName(name)
	if name == "" {
		if text = p.words; below(afterLanguage(p.segs), readingPlaces) {
			text = nil // what an article is about, its forms need not be
		}
		if own := formName(it.ev.Kind); b.c.forms.kind(own) != formOther { // "Support Form Submitted"
			text = own
		}
	}
	kind := b.c.forms.kind(text)
	if kind == formExcluded && anyIn(b.c.forms.contact, text) && !anyIn(b.c.forms.never, text) && b.productNamed(text) != 0 {
		kind = formRequest // a press of the catalogue is no newspaper
	}
	switch {
	case kind == formExcluded && anyIn(footer().unsubscribeTexts, text):
		return decision{why: WhyUnsubscribed}
	case kind == formExcluded:
		return decision{why: WhyForm}
	case p.excluded && (kind != formRequest || name == ""):
		return decision{why: WhyExcluded}
	}
	d.typ = score.FormSubmit
	switch kind {
	case formOther:
		d.unknown = name
	case formTrial:
		return b.trial(b.named(d, it, p, "form: ", name), it)
	case formNewsletter:
		d.typ = score.EmailEngage
	case formRequest:
		d.typ = score.HandRaise
	case formApplication:
		d.flags |= score.Key | score.Application
	}
	return b.named(d, it, p, "form: ", name)
}

// trial makes d the beginning of a trial. It counts once a day: a sign-up, its form and the trial itself are told by three events.
func (b *Builder) trial(d decision, it *item) decision {
	d.typ, d.flags, d.scope = score.FormSubmit, d.flags|score.Key, perJourney
	d.key = sum("trial", strconv.FormatInt(it.at.Unix()/86400, 10), strconv.Itoa(int(d.product)))
	return d
}

// named gives something done its object: by its own name, else by the path of its page; what has neither counts by itself. The title
// is the name alone: that of the page never takes its place.
func (b *Builder) named(d decision, it *item, p *page, what, name string) decision {
	d.title = ""
	if form := it.ev.Properties[connectors.PropForm]; form != "" && (p.own || p == &noPage) {
		d.title = name
	}
	if product := b.productNamed(words(name), words(item0(it.ev))); product != 0 && d.product != product {
		d.product = product
	}
	if name == "" {
		name = p.object
	}
	if name == "" {
		d.scope = perEvent
		d.object = strings.TrimSuffix(what, ": ")
		return d
	}
	d.object = cut(what+name, maxText)
	d.key = sum(what, strings.ToLower(name))
	return d
}
