package twostage

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/intent/act"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/score"
)

// prepare decides whether a model is needed at all, and makes the interactions if so.
func (t *Engine) prepare(s intent.Subject) *person {
	p := &person{s: s, language: s.Language, loc: s.Location}
	if p.language == "" {
		p.language = t.o.Language
	}
	if p.loc == nil {
		p.loc = time.UTC
	}
	p.rules = t.rules.Note(s)
	if s.Journey == nil || !worthAsking(s.Journey) {
		p.out, p.done = p.rules, true
		return p
	}
	h := xxhash.New()
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:], t.version)
	binary.LittleEndian.PutUint64(b[8:], s.Journey.Hash)
	_, _ = h.Write(b[:])
	_, _ = h.WriteString(p.language + "\x00" + p.loc.String())
	p.inputs = h.Sum64()
	if raw, ok := t.store.Answer(s.Journey.Key, t.version); ok {
		if json.Unmarshal(raw, &p.kept) != nil {
			p.kept = kept{}
		}
	}
	if p.kept.Intent != nil && p.kept.Inputs == p.inputs && s.Journey.Hash != 0 {
		p.out, p.done = *p.kept.Intent, true
	}
	return p
}

// layOut makes the interactions of those who need a model. What all of them say of pages is noted first: what several of one lot say alike is
// nobody's alone, and asked once.
func (t *Engine) layOut(people []*person) {
	for _, p := range people {
		if p.done {
			continue
		}
		for i := range p.s.Journey.Sessions {
			for _, st := range own(p.s.Journey.Sessions[i].Steps) {
				if _, ruled := known(st); !ruled {
					t.confirmed(p.s.Journey.Key, st)
				}
			}
		}
	}
	for _, p := range people {
		if !p.done {
			t.interactions(p)
		}
	}
}

// worthAsking: some signal is the person's own and more than an opened e-mail.
func worthAsking(j *journey.Journey) bool {
	for i := range j.Sessions {
		for k := range j.Sessions[i].Steps {
			st := &j.Sessions[i].Steps[k]
			if st.Signal < 0 || st.Signal >= len(j.Signals) || st.Context || st.Event.Kind == connectors.KindEmailOpen {
				continue
			}
			if _, counted := act.Counted(st); !counted && j.Signals[st.Signal].Flags&score.Company == 0 {
				return true
			}
		}
	}
	return false
}

// interactions lays out the newest steps for stage 1.
func (t *Engine) interactions(p *person) {
	j := p.s.Journey
	red := t.o.Redact.For(p.s.Profile.FirstName, p.s.Profile.LastName)
	signal := func(st *journey.Step) *journey.Signal {
		if st == nil || st.Signal < 0 || st.Signal >= len(j.Signals) {
			return nil
		}
		return &j.Signals[st.Signal]
	}
	var left []*journey.Step
	for si := len(j.Sessions) - 1; si >= 0; si-- {
		steps := own(j.Sessions[si].Steps)
		for k := len(steps) - 1; k >= 0; k-- {
			st := steps[k]
			if len(p.steps) >= t.o.MaxSteps {
				left = append(left, st)
				continue
			}
			it := &interaction{step: st, session: si}
			it.result, it.ruled = known(st)
			if it.known = it.ruled; !it.known {
				var before, after *journey.Step
				if k > 0 {
					before = steps[k-1]
				}
				if k+1 < len(steps) {
					after = steps[k+1]
				}
				own := !t.confirmed(j.Key, st)
				it.content, it.private = look(st, t.neighbour(j.Key, before), t.neighbour(j.Key, after), signal, &red)
				it.private = it.private || own
				t.picture(it)
				it.key = t.keys.key(it.content.encode())
			}
			p.steps = append(p.steps, it)
		}
	}
	slices.Reverse(p.steps)
	p.older = older(left, p.loc)
}

// neighbour is a step that another one is shown beside. What nobody else has said of its page does not ride along.
func (t *Engine) neighbour(person string, st *journey.Step) *journey.Step {
	if st == nil || !st.Trusted || t.confirmed(person, st) {
		return st
	}
	plain := *st
	plain.Trusted = false
	return &plain
}

// own are a session's steps by the person themselves, without those that repeat the one before.
func own(steps []journey.Step) []*journey.Step {
	out := make([]*journey.Step, 0, len(steps))
	for i := range steps {
		st := &steps[i]
		if st.Context {
			continue
		}
		if n := len(out); n > 0 && st.Signal < 0 && same(out[n-1], st) {
			continue
		}
		out = append(out, st)
	}
	return out
}

func same(a, b *journey.Step) bool {
	x, y := &a.Event, &b.Event
	return x.Kind == y.Kind && x.URL == y.URL && x.PageTitle == y.PageTitle && x.ElementText == y.ElementText &&
		x.ElementID == y.ElementID && len(x.Properties) == 0 && len(y.Properties) == 0 && y.Screenshot == ""
}

// picture attaches the step's screenshot where the config allows one.
func (t *Engine) picture(it *interaction) {
	e := &it.step.Event
	if t.o.Screenshots == nil || e.Screenshot == "" || !slices.Contains(t.o.ScreenshotSources, e.Source) {
		return
	}
	img, err := screenshot(t.o.Screenshots, e.Screenshot)
	if err != nil {
		t.log.Debug("screenshot left out", "error", err)
		return
	}
	it.image, it.private = img, true // a picture may show anything
	it.content.Screenshot = pictureName(img)
}

// older tells the steps that the cap left out, by counts alone: no stranger's word is in it.
func older(steps []*journey.Step, loc *time.Location) string {
	if len(steps) == 0 {
		return ""
	}
	counts := map[string]int{}
	first, last := steps[0].Event.Time, steps[0].Event.Time
	for _, s := range steps {
		counts[kindName(s.Event.Kind)]++
		if s.Event.Time.Before(first) {
			first = s.Event.Time
		}
		if s.Event.Time.After(last) {
			last = s.Event.Time
		}
	}
	var kinds []string
	for k := range counts {
		kinds = append(kinds, k)
	}
	slices.Sort(kinds)
	for i, k := range kinds {
		kinds[i] = fmt.Sprintf("%d %s", counts[k], k)
	}
	return fmt.Sprintf("%s between %s and %s", strings.Join(kinds, ", "), first.In(loc).Format("2 Jan 2006"), last.In(loc).Format("2 Jan 2006"))
}
