package twostage

import (
	"context"
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/intent/act"
	"github.com/intentd/intentd/pipeline/intent/plain"
	"github.com/intentd/intentd/pipeline/journey"
)

// session2 and journey2 are the whole of what stage 2 sees: validated stage-1 fields, kind, time and session. A step is a list of id,
// kind, what they did and what they saw: names for the four would be a third of the prompt. The time of day says nothing of what somebody wants; "view" is a page view. What an earlier step saw already is not said
// again, and a step that its kind tells whole (a scroll) says no more.
type session2 struct {
	Date  string     `json:"date"`
	Steps [][]string `json:"steps"`
}

type journey2 struct {
	History []session2 `json:"history,omitempty"`
	Recent  []session2 `json:"recent"`
	Older   string     `json:"older,omitempty"`
}

// stage2Ask is the prompt that asks what the person wants, with what its answer is held against.
func (t *Engine) stage2Ask(p *person) (connectors.Prompt, *checker, error) {
	view, check := t.view(p)
	user, err := wrap(t.rand, encode(view), stage2Task(p.s.Now.In(p.loc)))
	return connectors.Prompt{
		Purpose: "stage2", System: stage2Prompt(p.language), User: user, Schema: t.schema2, MaxTokens: 6000,
		Check: func(raw []byte) error { _, err := check.parse(raw); return err },
	}, check, err
}

// stage2 asks what the person wants, unless a job has brought the answer, and checks it. The rules' texts lend what the model's answer lacks.
func (t *Engine) stage2(ctx context.Context, p *person) (intent.Intent, error) {
	prompt, check, err := t.stage2Ask(p)
	if err != nil {
		return intent.Intent{}, err
	}
	if a := p.kept.Late; a != nil && a.Inputs == p.inputs && len(a.JSON) > 0 {
		if in, err := check.parse(a.JSON); err == nil {
			p.usage = p.usage.Add(a.Usage)
			return t.completed(p, in), nil
		}
	}
	c, err := t.call(ctx, prompt, p.s.Last)
	p.usage = p.usage.Add(c.Usage)
	if err != nil {
		return intent.Intent{}, err
	}
	in, err := check.parse(c.JSON)
	if err != nil {
		return intent.Intent{}, &connectors.Error{Kind: connectors.Rejected, Op: "intent: stage 2", Code: "unsound", Message: err.Error()}
	}
	return t.completed(p, in), nil
}

// completed is an answer with what the rules' texts lend it.
func (t *Engine) completed(p *person, in intent.Intent) intent.Intent {
	follow(&in, &p.rules)
	in.Topics = withTrusted(in.Topics, p.rules.Topics)
	in.Engine, in.Prompt = t.o.ModelName, promptVersion
	return in
}

// follow takes over from the rules' note what a model's answer lacks: who somebody is, what speaks against a purchase, and the next steps
// that its words leave open or that time brings.
func follow(in, rules *intent.Intent) {
	in.Class, in.Marks, in.NextLow = rules.Class, rules.Marks, rules.NextLow
	if in.NextStep.Text == "" || rules.Class.Negative() {
		in.NextStep = rules.NextStep
	}
	for _, l := range rules.Later {
		in.Later = append(in.Later, intent.Later{From: l.From, Headline: in.Headline, Sentences: in.Sentences, NextStep: l.NextStep})
	}
}

// withTrusted puts the journey's own trusted topics before the model's: an answer can leave none of them out.
func withTrusted(model, rules []intent.Topic) []intent.Topic {
	out := slices.Clone(rules)
	for _, m := range model {
		if i := slices.IndexFunc(out, func(r intent.Topic) bool { return strings.EqualFold(r.Name, m.Name) }); i < 0 {
			out = append(out, m)
		}
	}
	return out
}

// view makes the prompt's data of a person and what the answer is held against.
func (t *Engine) view(p *person) (journey2, *checker) {
	check := &checker{steps: make(map[string]*cited, len(p.steps)), products: t.o.Products, hosts: t.hosts}
	j := p.s.Journey
	var v journey2
	v.Older = p.older
	at := -1
	saw := map[string]bool{}
	var session session2
	flush := func() {
		if len(session.Steps) == 0 {
			return
		}
		if at >= j.Recent {
			v.Recent = append(v.Recent, session)
		} else {
			v.History = append(v.History, session)
		}
	}
	for _, it := range p.steps {
		when := it.step.Event.Time.In(p.loc)
		if it.session != at {
			flush()
			at, session = it.session, session2{Date: when.Format("2 Jan 2006")}
		}
		s := []string{it.step.ID, strings.TrimPrefix(kindName(it.step.Event.Kind), "page_")}
		var fresh []string
		for _, c := range it.result.Context {
			if !saw[c] {
				saw[c] = true
				fresh = append(fresh, c)
			}
		}
		kindTellsAll := it.ruled && (it.step.Event.Kind == connectors.KindScroll || it.step.Event.Kind == connectors.KindDwell)
		if it.result.Action != "" && !kindTellsAll {
			s = append(s, it.result.Action)
			if len(fresh) > 0 {
				s = append(s, strings.Join(fresh, "; "))
			}
		}
		session.Steps = append(session.Steps, s)
		check.steps[it.step.ID] = &cited{
			event: act.EventID(it.step), time: when,
			text:    strings.ToLower(strings.Join(append([]string{it.result.Action}, it.result.Context...), "\n")),
			trusted: trustedWords(j, it.step),
		}
	}
	flush()
	if v.Recent == nil {
		v.Recent = []session2{}
	}
	return v, check
}

// trustedWords are the stemmed words of the places of a step that only the customer writes: the title of their own page, and the titles
// and topics that the journey took from the config, the catalogue and their own pages.
func trustedWords(j *journey.Journey, st *journey.Step) []string {
	var out []string
	add := func(s string) {
		for _, w := range plain.Words(s) {
			out = append(out, plain.Stem(w))
		}
	}
	if st.Trusted {
		add(st.Event.PageTitle)
	}
	if st.Signal >= 0 && st.Signal < len(j.Signals) {
		sig := &j.Signals[st.Signal]
		add(sig.Title)
		for _, t := range sig.Topics {
			add(t)
		}
	}
	return out
}
