package receipt

import (
	"iter"
	"slices"
	"time"

	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/intent/act"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/score"
)

// SignalLines names the signals of j in its order, which is that of its features.
func SignalLines(j *journey.Journey) []SignalLine {
	return AppendSignalLines(make([]SignalLine, 0, len(j.Signals)), j)
}

// AppendSignalLines appends the SignalLines of j to those of others.
func AppendSignalLines(all []SignalLine, j *journey.Journey) []SignalLine {
	from := len(all)
	for i := range j.Signals {
		s := &j.Signals[i]
		all = append(all, SignalLine{EventID: s.EventID, Object: s.Object, Title: s.Title})
	}
	lines := all[from:]
	for i := range j.Sessions {
		for k := range j.Sessions[i].Steps {
			if step := &j.Sessions[i].Steps[k]; step.Signal >= 0 && step.Signal < len(lines) {
				l := &lines[step.Signal]
				l.Source, l.Kind, l.Act = step.Event.Source, step.Event.Kind, act.Of(step, &j.Signals[step.Signal])
			}
		}
	}
	for i := 1; i < len(lines); i++ { // a step of a counter makes several signals
		if lines[i].Kind == "" && lines[i].EventID == lines[i-1].EventID {
			lines[i].Source, lines[i].Kind, lines[i].Act = lines[i-1].Source, lines[i-1].Kind, lines[i-1].Act
		}
	}
	return all
}

// CitedLines names the events of j that in cites and that are no signals. A citation of an event that j does not hold gets no line:
// Verify finds it by that.
func CitedLines(j *journey.Journey, in *intent.Intent) []CitedLine {
	cited := make(map[string]bool)
	for id := range citations(in) {
		cited[id] = true
	}
	for i := range j.Signals {
		delete(cited, j.Signals[i].EventID)
	}
	var lines []CitedLine
	for i := range j.Sessions {
		for k := range j.Sessions[i].Steps {
			if e := &j.Sessions[i].Steps[k].Event; cited[e.ID] {
				delete(cited, e.ID)
				lines = append(lines, CitedLine{EventID: e.ID, Source: e.Source, Kind: e.Kind, Time: e.Time})
			}
		}
	}
	return lines
}

// citations are the event ids that the sentences and topics of in rest on, with repetitions.
func citations(in *intent.Intent) iter.Seq[string] {
	return func(yield func(string) bool) {
		each := func(ids []string) bool { return !slices.ContainsFunc(ids, func(id string) bool { return !yield(id) }) }
		of := func(s []intent.Sentence) bool {
			return !slices.ContainsFunc(s, func(s intent.Sentence) bool { return !each(s.Cites) })
		}
		if !each(in.Headline.Cites) || !each(in.NextStep.Cites) || !each(in.NextLow.Cites) || !of(in.Sentences) {
			return
		}
		for i := range in.Later {
			if l := &in.Later[i]; !each(l.Headline.Cites) || !each(l.NextStep.Cites) || !of(l.Sentences) {
				return
			}
		}
		for i := range in.Topics {
			if !each(in.Topics[i].Cites) {
				return
			}
		}
	}
}

// Counts says whether the i-th signal is one of those in the score window, by the rule of score.Settings.
func (r *Receipt) Counts(i int) bool {
	at, now := r.Features.Signals[i].At, r.At.Unix()
	return at <= now && now-at < r.window()
}

// Scoring are the configured topics that the window's signals carry: those whose points are in the score.
func (r *Receipt) Scoring() []score.Topic {
	now := r.At.Unix()
	topics := make([]score.Topic, 0, len(r.Features.Topics))
	for _, t := range r.Features.Topics {
		first := t.First
		if first == 0 {
			first = t.Last
		}
		if first <= now && now-t.Last < r.window() {
			topics = append(topics, t)
		}
	}
	return topics
}

// strongest is the index of the signal that gives the topics part its base, the newest of equals; −1 if the window is empty.
func (r *Receipt) strongest() int {
	best := -1
	for i := range r.Features.Signals {
		s := &r.Features.Signals[i]
		if !r.Counts(i) {
			continue
		}
		if best >= 0 {
			top := &r.Features.Signals[best]
			if a, b := s.Worth(r.At.Unix()), top.Worth(r.At.Unix()); a < b || a == b && s.At < top.At {
				continue
			}
		}
		best = i
	}
	return best
}

// raised is the index of the newest hand-raise of the person in the window, −1 if there is none.
func (r *Receipt) raised() int {
	best := -1
	for i := range r.Features.Signals {
		s := &r.Features.Signals[i]
		if s.Type == score.HandRaise && s.Flags&score.Company == 0 && r.Counts(i) && (best < 0 || s.At >= r.Features.Signals[best].At) {
			best = i
		}
	}
	return best
}

// Since is when the receipt's tier was entered: at its own moment, unless the tier is the one shown before.
func (r *Receipt) Since() time.Time {
	if r.Previous.Tier == r.Tier && !r.Previous.Since.IsZero() {
		return r.Previous.Since
	}
	return r.At
}

// Line is the i-th signal's line; an empty one where the receipt has none.
func (r *Receipt) Line(i int) SignalLine {
	if i >= 0 && i < len(r.Signals) {
		return r.Signals[i]
	}
	return SignalLine{}
}

func (r *Receipt) window() int64 {
	return int64(r.Settings.WindowDays) * int64(24*time.Hour/time.Second)
}
