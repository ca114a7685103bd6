package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/state"
)

// Status is the pipeline's condition at a moment, for status, health and metrics.
type Status struct {
	At         time.Time                  `json:"at"`
	Paused     bool                       `json:"paused"`
	Brake      string                     `json:"brake,omitempty"` // why writing stopped; "" if it did not
	Clock      string                     `json:"clock,omitempty"` // why the clock is in doubt
	WriteMode  WriteMode                  `json:"write_mode"`
	Queue      map[string]LaneStatus      `json:"queue"`
	Journal    int                        `json:"journal"` // patches not yet acknowledged
	Dead       int                        `json:"dead"`
	Due        int                        `json:"due"` // people with a due time
	People     int                        `json:"people"`
	Contacts   int                        `json:"contacts"`
	Tiers      map[string]int64           `json:"tiers"`
	Written    int64                      `json:"written"`  // patches acknowledged since start
	Rejected   int64                      `json:"rejected"` // since start
	Filtered   journey.Filtered           `json:"filtered"` // events that journeys left out, since start, at each look
	Connectors map[string]ConnectorStatus `json:"connectors"`
	LastGood   map[string]time.Time       `json:"last_good"` // by poll/…, listen/…, sweep/…, write/…
	Runs       []state.Run                `json:"runs,omitempty"`
	FirstSync  map[string]bool            `json:"first_sync,omitempty"` // CRMs whose first full pass has not ended
	State      state.Stats                `json:"state"`
}

// LaneStatus is the depth of one lane.
type LaneStatus struct {
	Depth  int       `json:"depth"`
	Oldest time.Time `json:"oldest,omitzero"`
}

// ConnectorStatus is the condition of one connector.
type ConnectorStatus struct {
	OK     bool              `json:"ok"`
	Kind   string            `json:"kind,omitempty"`
	Error  string            `json:"error,omitempty"`
	Since  time.Time         `json:"since,omitzero"`
	Until  time.Time         `json:"until,omitzero"`
	Report connectors.Report `json:"report"`
	// Intake are the counts of a source that has any.
	Intake *connectors.Intake `json:"intake,omitempty"`
}

// LaneName is a lane in words.
func LaneName(l state.Lane) string {
	switch l {
	case state.Live:
		return "live"
	case state.Retry:
		return "retry"
	case state.Due:
		return "due"
	case state.Backfill:
		return "backfill"
	}
	return "?"
}

// Status looks at everything without asking anybody.
func (p *Pipeline) Status() Status {
	s := p.Setup()
	st := p.db.Stats()
	b := p.brake.state()
	out := Status{
		At: p.now(), Paused: b.Paused, WriteMode: s.Write.Mode, Queue: map[string]LaneStatus{}, Journal: p.db.JournalDepth(), Dead: p.db.DeadCount(),
		Due: p.db.DueCount(), People: st.People, Contacts: st.Contacts, Tiers: map[string]int64{}, Connectors: map[string]ConnectorStatus{},
		LastGood: map[string]time.Time{}, FirstSync: map[string]bool{}, State: st,
	}
	if b.On {
		out.Brake = b.Why
	}
	if err := p.clock.doubt(s); err != nil {
		out.Clock = err.Error()
	}
	depth, oldest := p.db.QueueDepth()
	for i := range depth {
		out.Queue[LaneName(state.Lane(i))] = LaneStatus{Depth: depth[i], Oldest: oldest[i]}
	}
	for t, n := range st.Tiers[1:] {
		out.Tiers[score.Tier(t).String()] = int64(n)
	}
	p.counts.mu.Lock()
	out.Written, out.Rejected, out.Filtered = p.counts.written, p.counts.dead, p.counts.filtered
	p.counts.mu.Unlock()
	report := func(name string, c any) {
		cs := ConnectorStatus{OK: true, Report: connectors.Report{DailyLimit: -1, DailyRemaining: -1}}
		if r, ok := c.(connectors.Reporter); ok {
			cs.Report = r.Report()
		}
		p.health.mu.Lock()
		if h := p.health.by[name]; h != nil && h.err != nil {
			cs.OK, cs.Kind, cs.Error, cs.Since, cs.Until = false, h.kind.String(), h.err.Error(), h.since, h.until
		}
		p.health.mu.Unlock()
		out.Connectors[name] = cs
	}
	for i := range s.CRMs {
		report(s.CRMs[i].Name, s.CRMs[i].CRM)
		out.FirstSync[s.CRMs[i].Name] = p.NeedsFirstSync(s.CRMs[i].Name)
	}
	for i := range s.Sources {
		report(s.Sources[i].Name, s.Sources[i].Source)
		if r, ok := s.Sources[i].Source.(connectors.IntakeReporter); ok {
			cs := out.Connectors[s.Sources[i].Name]
			cs.Intake = p.intake(s.Sources[i].Name, r)
			out.Connectors[s.Sources[i].Name] = cs
		}
	}
	p.health.mu.Lock()
	for k, t := range p.health.goods {
		out.LastGood[k] = t
	}
	p.health.mu.Unlock()
	out.Runs, _ = p.db.Runs()
	for _, r := range out.Runs {
		if _, ok := out.LastGood[r.Name]; !ok && !r.Good.IsZero() {
			out.LastGood[r.Name] = r.Good
		}
	}
	return out
}

// Pause stops lots and writes until Resume; polls go on, nothing is lost.
func (p *Pipeline) Pause() error {
	return p.brake.set(func(b *brakeState) { b.Paused = true })
}

// Resume ends a pause and releases the brake, which covers all that was waiting and what the scoring config of now changes. Patches that
// were journalled when the brake went on are worked out anew, under the config of now. Stopped connectors are given another chance,
// and people who wait for a time that one named come at once.
func (p *Pipeline) Resume() error {
	s := p.Setup()
	released := brakeState{Since: p.now()}
	if p.brake.state().On {
		if err := p.voidWaiting(s); err != nil {
			return err
		}
		released.Released, released.Under = p.now(), s.scoringHash
	}
	if err := p.brake.set(func(b *brakeState) { *b = released }); err != nil {
		return err
	}
	if _, err := p.db.Hurry(state.ReasonWaits); err != nil {
		return err
	}
	p.LookAgain()
	return nil
}

// LookAgain gives every stopped connector another chance at once: what stopped it was set right.
func (p *Pipeline) LookAgain() {
	p.Setup().release()
	p.health.Reset()
	p.fit.Clear()
	p.delivery.Look()
	p.Wake()
}

// release ends what connectors hold back by themselves: the cause is gone.
func (s *Setup) release() {
	for i := range s.CRMs {
		if r, ok := s.CRMs[i].CRM.(connectors.Releaser); ok {
			r.Release()
		}
	}
	for i := range s.Sources {
		if r, ok := s.Sources[i].Source.(connectors.Releaser); ok {
			r.Release()
		}
	}
}

// voidWaiting has the patches that wait in the journal not be sent, and asks for their people again. What a bulk job carries is with the
// CRM already.
func (p *Pipeline) voidWaiting(s *Setup) error {
	for i := range s.CRMs {
		for _, object := range s.CRMs[i].Objects {
			for after, more := uint64(0), true; more; more = after != 0 {
				var err error
				if after, err = p.db.VoidWaiting(s.CRMs[i].Name, object, after, 500, p.now()); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// known is Find for what must name somebody.
func (p *Pipeline) known(who string) (state.PersonID, error) {
	id, err := p.Find(who)
	if err == nil && id == 0 {
		err = ErrUnknownPerson
	}
	return id, err
}

// Explain returns the newest receipt of a person and, for a person without one, an error that says why there is none.
func (p *Pipeline) Explain(ctx context.Context, who string) (*receipt.Receipt, error) {
	id, err := p.known(who)
	if err != nil {
		return nil, err
	}
	person, _, err := p.db.Person(id)
	if err != nil {
		return nil, err
	}
	links, err := p.db.Links(id)
	if err != nil {
		return nil, err
	}
	raw, err := p.db.LastReceipt(id)
	if err != nil {
		return nil, err
	}
	var r *receipt.Receipt
	if raw != nil {
		if r, err = p.OpenReceipt(raw); err != nil {
			return nil, err
		}
	}
	held, err := p.heldNow(id)
	if err != nil {
		return nil, err
	}
	lines := p.Setup().linkLines(links)
	if r == nil && len(person.Shown) > 0 {
		return nil, fmt.Errorf("this person's receipt is older than privacy.retention.receipts keeps; the CRM still shows the score of then")
	}
	if r == nil && person.Scoring == 0 {
		return nil, fmt.Errorf("this person was not worked out yet: they wait in the queue (intentd status)")
	}
	if r == nil {
		return nil, fmt.Errorf("no score was ever worked out for this person: nothing they did counts as a signal so far%s", nobodysOf(lines))
	}
	r.Held = held // a receipt is of its time, what a person holds is of now
	if s := p.Setup(); person.Flags&state.FlagRulesText != 0 && s.Engine != s.Rules && len(r.Degraded) == 0 {
		r.Degraded = []string{"texts are the rules' for now: the model's follow after write.interval, highest scores first, within the day's budget"}
	}
	r.Links = lines
	if person.Flags&state.FlagStale != 0 && len(r.Stale) == 0 {
		r.Stale = []string{"a source did not answer at the last attempt: this is the last score before"}
	}
	return r, nil
}

// DeadLetters lists up to n dead letters.
func (p *Pipeline) DeadLetters(n int) ([]state.Dead, error) {
	var out []state.Dead
	after := ""
	for len(out) < n {
		page, next, err := p.db.DeadLetters(after, min(500, n-len(out)))
		if err != nil {
			return nil, err
		}
		out, after = append(out, page...), next
		if len(page) == 0 || after == "" {
			break
		}
	}
	return out, nil
}

// RetryDead puts the people behind dead letters into the queue again, all of them or those of one record, and returns how
// many. A letter goes when the CRM takes its record.
func (p *Pipeline) RetryDead(ref string) (int, error) {
	return p.eachDead(ref, func(letters []state.Dead) error { return p.db.RetryLetters(letters, p.now()) })
}

// DropDead gives dead letters up: all of them or those of one record.
func (p *Pipeline) DropDead(ref string) (int, error) { return p.eachDead(ref, p.db.DropLetters) }

func (p *Pipeline) eachDead(ref string, do func([]state.Dead) error) (n int, err error) {
	letters, err := p.DeadLetters(1 << 20)
	if err != nil {
		return 0, err
	}
	if ref != "" {
		named := p.Setup().RefsNamed(strings.TrimSpace(ref))
		letters = slices.DeleteFunc(letters, func(d state.Dead) bool { return !slices.Contains(named, d.Ref) && d.Ref.ID != ref })
	}
	for chunk := range slices.Chunk(letters, 500) {
		if err := do(chunk); err != nil {
			return n, err
		}
		n += len(chunk)
	}
	p.Wake()
	return n, nil
}

// Usage is what the last n days cost, newest first.
func (p *Pipeline) Usage(n int) ([]state.DayUsage, error) { return p.db.UsageDays(n) }
