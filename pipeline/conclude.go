package pipeline

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/fields"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/pipeline/topics"
	"github.com/intentd/intentd/state"
)

// basis is what a score is concluded from: of a fresh journey, or of the last receipt where only time has passed.
type basis struct {
	features  score.Features
	signals   []receipt.SignalLine
	cited     []receipt.CitedLine
	topics    []receipt.TopicLine
	filtered  journey.Filtered
	leftOut   []journey.LeftOut
	intent    intent.Intent
	degraded  []string
	sources   []state.SourceCount
	events    uint64
	engine    uint64 // extraction hash of the texts
	rulesText bool   // rules texts of a first sync: model texts are owed
	upgraded  bool   // better texts than those shown
}

// result is the conclusion, ready to be gated.
type result struct {
	receipt receipt.Receipt
	shown   score.Shown
	parts   score.Parts
	values  map[string]string
	reason  string    // why it is written; "" if it is not
	wait    time.Time // material, but not before
}

// infer gives every open subject its basis: unchanged events keep the intent they have, the others are read by an engine.
func (l *lot) infer(ctx context.Context) error {
	var ask = map[intent.Engine][]*subject{}
	for _, s := range l.open() {
		if l.byTimeAlone(s) {
			s.basis = s.rest()
			continue
		}
		b := &basis{
			features: s.journey.Features(),
			signals:  receipt.SignalLines(s.journey),
			filtered: s.journey.Filtered,
			leftOut:  s.journey.LeftOut,
			events:   s.journey.Hash,
			sources:  sourceCounts(s.journey.BySource),
		}
		s.basis = b
		engine := l.engineFor(s)
		b.engine = engine.Version()
		b.rulesText = engine == l.s.Rules && l.s.Rules != l.s.Engine && !l.dry
		if len(s.journey.Signals) == 0 {
			b.rulesText = false
			continue // nothing a rep would read, nothing to pay for
		}
		same := s.person.Events == b.events && b.events != 0 && l.lastReceipt(s) != nil
		if same && s.last.Intent.Degraded == "" && (s.person.Extraction == b.engine || l.keepsTexts(s)) {
			b.intent, b.engine = s.last.Intent, s.person.Extraction // invariant 6
			continue
		}
		ask[engine] = append(ask[engine], s)
	}
	for engine, subjects := range ask {
		subjects, err := l.awaitTexts(ctx, engine, subjects)
		if err != nil {
			return err
		}
		in := make([]intent.Subject, len(subjects))
		for i, s := range subjects {
			in[i] = l.asSubject(s)
		}
		out, err := inferAll(ctx, engine, in)
		if err != nil {
			return err
		}
		people, degraded := int64(0), int64(0)
		for i, s := range subjects {
			l.take(s, out[i])
			if out[i].Degraded != "" {
				degraded++
			} else if engine != l.s.Rules {
				people++
			}
		}
		if people+degraded > 0 && !l.dry {
			day := l.p.day(l.now)
			l.p.db.AddUsageLater(day, state.Usage{People: people, Degraded: degraded})
		}
	}
	return nil
}

// keepsTexts says whether the subject keeps texts that another model, other prompts or another catalogue made: only new events, or somebody
// who asks, pay for better ones. What the rules say costs nothing and is always said anew.
func (l *lot) keepsTexts(s *subject) bool {
	const asked = state.ReasonText | state.ReasonAsked
	return l.engineFor(s) != l.s.Rules && s.person.Flags&state.FlagRulesText == 0 && s.last.Intent.Engine != "rules" && s.entry.Reason&asked == 0
}

func inferAll(ctx context.Context, engine intent.Engine, in []intent.Subject) ([]intent.Intent, error) {
	if b, ok := engine.(intent.LotEngine); ok {
		return b.InferAll(ctx, in)
	}
	out := make([]intent.Intent, len(in))
	for i := range in {
		var err error
		if out[i], err = engine.Infer(ctx, in[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// take gives a subject what an engine read. Degraded texts never replace better ones for the same events (invariant 8).
func (l *lot) take(s *subject, got intent.Intent) {
	b := s.basis
	b.intent = got
	if got.Degraded != "" {
		before := l.lastReceipt(s)
		if before != nil && before.Intent.Degraded == "" && before.Intent.Engine != "" && s.person.Events == b.events && s.person.Flags&state.FlagRulesText == 0 {
			b.intent, b.engine = before.Intent, s.person.Extraction
		}
		b.degraded = append(b.degraded, got.Degraded)
		return
	}
	owed := s.person.Flags&(state.FlagDegraded|state.FlagRulesText) != 0
	b.upgraded = owed && !b.rulesText && s.shown.Known
}

// rest is the basis of somebody for whom only time has passed: all of it stands in the last receipt.
func (s *subject) rest() *basis {
	r := s.last
	return &basis{
		features: r.Features, signals: r.Signals, cited: r.Cited, topics: r.Topics, filtered: r.Filtered, leftOut: r.LeftOut, intent: r.Intent,
		degraded: r.Degraded, sources: s.person.Sources, events: s.person.Events, engine: s.person.Extraction,
		rulesText: s.person.Flags&state.FlagRulesText != 0,
	}
}

func (l *lot) asSubject(s *subject) intent.Subject {
	in := intent.Subject{Journey: s.journey, Told: s.shown.Written, Now: l.now, Language: l.s.Fields.Language, Location: l.s.Fields.Location}
	in.Journey.Key = s.key
	for _, r := range s.recs {
		if !r.read || r.contact.State != connectors.Live {
			continue
		}
		if in.Profile == (connectors.Profile{}) {
			in.Profile = r.contact.Profile
		}
		if in.Domain == "" && len(r.contact.Emails) > 0 {
			_, in.Domain, _ = strings.Cut(r.contact.Emails[0], "@")
		}
		in.Customer = in.Customer || l.s.isCustomer(&r.contact)
	}
	return in
}

// score turns every basis into a score, a tier, a forecast, a receipt and field values, and asks the gate.
func (l *lot) score(ctx context.Context) {
	open := l.open()
	for _, s := range open {
		if s.journey != nil {
			s.basis.cited = receipt.CitedLines(s.journey, &s.basis.intent)
		}
	}
	l.matchTopics(ctx, open)
	for _, s := range open {
		l.conclude(s)
		if s.journey != nil {
			l.s.Journey.Release(s.journey) // nobody asks for its steps from here on
		}
	}
}

// matchTopics matches the topics of all people of the lot in one go.
func (l *lot) matchTopics(ctx context.Context, open []*subject) {
	t := topicSpans{all: make([]topicSpan, 0, 16*len(open)), place: map[string]int{}, signal: map[string]int32{}}
	ends := make([]int, len(open)) // of each subject's spans in t.all
	for i, s := range open {
		if s.journey != nil { // otherwise the topics of the last receipt stand
			t.collect(s)
		}
		ends[i] = len(t.all)
	}
	if len(t.all) == 0 {
		return
	}
	clear(t.place)
	var names []string
	for i := range t.all {
		name := t.all[i].name
		if _, seen := t.place[name]; !seen {
			t.place[name] = len(names)
			names = append(names, name)
		}
	}
	slices.Sort(names)
	matches, degraded, _ := l.s.Topics.Match(ctx, names)
	by := map[string][]topics.Match{}
	for _, m := range matches {
		by[m.Journey] = append(by[m.Journey], m)
	}
	end := 0
	for i, s := range open {
		spans := t.all[end:ends[i]]
		end = ends[i]
		if len(spans) == 0 {
			continue
		}
		b := s.basis
		if degraded != "" {
			if last := l.lastReceipt(s); last != nil && len(last.Degraded) == 0 && s.person.Events == b.events {
				b.features.Topics, b.topics = last.Features.Topics, last.Topics
				continue // invariant 8
			}
			b.degraded = append(b.degraded, degraded)
		}
		spans = slices.DeleteFunc(spans, func(sp topicSpan) bool { return len(by[sp.name]) == 0 })
		slices.SortFunc(spans, func(a, b topicSpan) int { return strings.Compare(a.name, b.name) })
		var mine []topics.Match
		when := make(map[string]topics.Span, len(spans))
		for k := range spans {
			mine = append(mine, by[spans[k].name]...)
			when[spans[k].name] = topics.Span{First: spans[k].first, Last: spans[k].last}
		}
		var counted []bool
		b.features.Topics, counted = topics.Count(mine, when)
		next := 0
		for k := range spans {
			events := spans[k].eventIDs(s.journey)
			for range by[spans[k].name] {
				m := &mine[next]
				b.topics = append(b.topics, receipt.TopicLine{
					Journey: m.Journey, Configured: m.Configured, Win: m.Win, How: m.How, Points: m.Points, Events: events, Counted: counted[next],
				})
				next++
			}
		}
	}
}

// topicSpan is where a topic of a journey stands.
type topicSpan struct {
	name        string
	first, last int64
	signals     [5]int32 // the first that carry it
	n           int
}

func (sp *topicSpan) eventIDs(j *journey.Journey) []string {
	ids := make([]string, sp.n)
	for i := range ids {
		ids[i] = j.Signals[sp.signals[i]].EventID
	}
	return ids
}

// topicSpans are the topics of a lot's journeys, person by person.
type topicSpans struct {
	all    []topicSpan
	place  map[string]int   // of a topic of the present journey in all
	signal map[string]int32 // of an event of it
}

// collect adds the topics of s from trusted places, with the signals that carry them. What a model names counts only if the
// intent engine found its words in a trusted place of a step it cites.
func (t *topicSpans) collect(s *subject) {
	clear(t.place)
	clear(t.signal)
	signals := s.journey.Signals
	add := func(name string, signal int32) {
		g := &signals[signal]
		i, ok := t.place[name]
		if !ok {
			i = len(t.all)
			t.place[name] = i
			t.all = append(t.all, topicSpan{name: name, first: g.At, last: g.At})
		}
		sp := &t.all[i]
		sp.first, sp.last = min(sp.first, g.At), max(sp.last, g.At)
		if sp.n == len(sp.signals) || slices.ContainsFunc(sp.signals[:sp.n], func(k int32) bool { return signals[k].EventID == g.EventID }) {
			return
		}
		sp.signals[sp.n] = signal
		sp.n++
	}
	for i := range signals {
		t.signal[signals[i].EventID] = int32(i)
		for _, name := range signals[i].Topics {
			add(name, int32(i))
		}
	}
	for _, topic := range s.basis.intent.Topics {
		if !topic.Trusted {
			continue
		}
		for _, c := range topic.Cites {
			if signal, ok := t.signal[c]; ok {
				add(topic.Name, signal)
			}
		}
	}
}

// conclude computes what is shown, explains it and asks the gate.
func (l *lot) conclude(s *subject) {
	b := s.basis
	set := &l.s.Score
	b.features.ModelInterest, b.features.ModelTier = b.intent.Interest, b.intent.Tier
	if b.intent.Engine != "" && b.intent.Degraded == "" {
		b.features.ModelStage = b.intent.Stage
	}
	next, parts, rule := set.Show(&b.features, s.shown, l.now)
	next.Topics = topicsHash(b.intent.Topics)

	r := &result{shown: next, parts: parts}
	reason, wait, ok := set.Material(s.shown, next, l.now)
	switch {
	case ok:
		r.reason = reason
	case !next.Known:
	case b.upgraded:
		r.reason = "better texts"
	case s.entry.Reason&state.ReasonAsked != 0 && s.shown.Known:
		r.reason = "asked for"
	default:
		r.wait = wait
	}
	r.receipt = receipt.Receipt{
		Person: s.key, At: l.now.UTC().Truncate(time.Second), Formula: score.Version, Settings: *set, Parts: parts, Features: b.features,
		Signals: b.signals, Cited: b.cited, Topics: b.topics, Tier: next.Tier, Rule: rule, Previous: s.shown, Stage: next.Stage, Trend: next.Trend,
		Product: next.Product, Interest: next.Interest, Intent: b.intent, Filtered: b.filtered, LeftOut: b.leftOut, Stale: s.stale, Degraded: b.degraded, Reason: r.reason,
	}
	shows := next
	if r.reason == "" {
		shows = s.shown // what the CRM goes on showing
	}
	r.receipt.Forecast = set.Forecast(&b.features, shows, l.now, l.s.Fields.Location)
	switch {
	case r.reason != "" || !next.Known:
	case !r.wait.IsZero():
		r.receipt.Reason = "not written yet: " + reason + " changed, and the next write may go at " + r.wait.UTC().Format("15:04 UTC")
	default:
		r.receipt.Reason = "not written: nothing material changed"
	}
	for _, rec := range s.recs {
		r.receipt.Refs = append(r.receipt.Refs, rec.ref)
		for _, f := range rec.crm.OwnFields().Fields {
			if rec.state.Own.At(f.Number).Held && !slices.Contains(r.receipt.Held, f.Name) {
				r.receipt.Held = append(r.receipt.Held, f.Name)
			}
		}
	}
	if next.Known || s.shown.Known {
		r.values = fields.Render(&r.receipt, l.s.Fields)
	}
	s.result = r
}

// patchFor is the patch of one record: what the gate let through, what a human emptied, what a new record still lacks. Values
// the CRM is known to hold are left out. reason is empty when there is nothing to write.
func (l *lot) patchFor(s *subject, rec *record) (patch connectors.Patch, reason string) {
	r := s.result
	if r.values == nil || !rec.read || rec.contact.State != connectors.Live || !l.inScope(rec) {
		return patch, ""
	}
	reason = r.reason
	fresh := rec.state.WroteAt.IsZero() && r.shown.Known
	switch {
	case reason != "":
	case fresh:
		reason = "record without a score"
	case rec.behind(s.shown):
		reason = "record behind"
	case len(rec.refill) > 0 && s.shown.Known:
		reason = "field restored"
	case l.signalDayOld(s, rec):
		reason = "last signal"
	default:
		return patch, ""
	}
	out := make(map[string]string, len(r.values))
	telling := false
	for _, f := range rec.crm.OwnFields().Fields {
		value, ok := r.values[f.Name]
		if !ok || f.RepEdits || rec.crm.Fields[f.Name] == "" || rec.state.Own.At(f.Number).Held {
			continue
		}
		stamp := f.Name == connectors.FieldScoredAt || f.Name == connectors.FieldLastSignalAt
		switch reason {
		case "field restored":
			if !rec.refill[f.Number] && !stamp {
				continue
			}
		case "last signal":
			if !stamp {
				continue
			}
		}
		wrote := rec.state.Own.At(f.Number).Wrote
		if wrote == 0 && value == "" || wrote != 0 && wrote == state.FieldHash(f.Number, value) && !l.uncertain(rec, f) {
			continue
		}
		out[f.Name] = value
		telling = telling || f.Name != connectors.FieldScoredAt
	}
	if !telling {
		return patch, ""
	}
	group := rec.contact.Group
	return connectors.Patch{Ref: rec.ref, Group: group, Fields: out}, reason
}

// uncertain says whether an unacknowledged patch may have changed a field: it is then sent again rather than left out.
func (l *lot) uncertain(rec *record, f connectors.Field) bool {
	if rec.pending == nil {
		return false
	}
	_, ok := rec.pending.Patch.Fields[f.Name]
	return ok || len(rec.pending.Maybe) > 0
}

// signalDayOld says whether the date of the last signal alone is worth a write: at most once a day.
func (l *lot) signalDayOld(s *subject, rec *record) bool {
	f, ok := rec.crm.OwnFields().Named(connectors.FieldLastSignalAt)
	value := s.result.values[connectors.FieldLastSignalAt]
	return ok && s.shown.Known && value != "" && rec.state.Own.At(f.Number).Wrote != state.FieldHash(f.Number, value) && l.now.Sub(rec.state.WroteAt) >= 24*time.Hour
}

// inScope says whether the write mode lets a record be written.
func (l *lot) inScope(rec *record) bool {
	w := &l.s.Write
	switch w.Mode {
	case WriteOff:
		return l.dry // a dry run shows what would be written once it is switched on
	case WriteCanary:
		if slices.Contains(w.Owners, rec.contact.Owner) && rec.contact.Owner != "" {
			return true
		}
		if l.s.scope[rec.ref] {
			return true
		}
		for k, v := range w.Lists {
			if v != "" && slices.Contains(strings.Split(rec.contact.Fields[k], ";"), v) {
				return true
			}
		}
		return false
	}
	return true
}

// scoringHash is the third of the four hashes: everything between events and field values that is not a model.
func (l *lot) scoringHash() uint64 { return l.s.scoringHash }

// prepare computes what a setup's lots ask for again and again. It is called before the setup is in force.
func (s *Setup) prepare() *Setup {
	s.rules = &state.IdentityRules{Rules: s.Identity}
	for i := range s.CRMs {
		s.rules.CRMs = append(s.rules.CRMs, s.CRMs[i].Name)
	}
	s.settingsHash = s.Score.Hash()
	s.scoringHash = s.hashScoring()
	s.scope = map[connectors.Ref]bool{}
	for _, id := range s.Write.IDs {
		for _, ref := range s.RefsNamed(id) {
			s.scope[ref] = true
		}
	}
	return s
}

func (s *Setup) hashScoring() uint64 {
	d := xxhash.New()
	var b [8]byte
	for _, v := range [...]uint64{s.Score.Hash(), s.Topics.Version(), s.Journey.Version(), xxhash.Sum64String(s.Fields.Language)} {
		for i := range b {
			b[i] = byte(v >> (8 * i))
		}
		_, _ = d.Write(b[:])
	}
	if h := d.Sum64(); h != 0 {
		return h
	}
	return 1
}

func sourceCounts(by map[string]int) []state.SourceCount {
	out := make([]state.SourceCount, 0, len(by))
	for _, name := range sortedKeys(by) {
		if by[name] > 0 {
			out = append(out, state.SourceCount{Source: name, Events: uint32(by[name])})
		}
	}
	return out
}

// topicsHash is that of the set of topics shown, whatever their order; 0 for none.
func topicsHash(ts []intent.Topic) uint64 {
	var sum uint64
	for _, t := range ts {
		sum += xxhash.Sum64String(t.Name)
	}
	return sum
}
