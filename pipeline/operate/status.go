package operate

import (
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/batch"
	"github.com/intentd/intentd/pipeline/intake"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/state"
)

// Status is the pipeline's condition at a moment, for status, health and metrics.
type Status struct {
	At         time.Time                  `json:"at"`
	Paused     bool                       `json:"paused"`
	Brake      string                     `json:"brake,omitempty"` // why writing stopped; "" if it did not
	Clock      string                     `json:"clock,omitempty"` // why the clock is in doubt
	WriteMode  pipeline.WriteMode         `json:"write_mode"`
	Queue      map[string]LaneStatus      `json:"queue"`
	Journal    int                        `json:"journal"` // patches not yet acknowledged
	Dead       int                        `json:"dead"`
	Due        int                        `json:"due"` // people with a due time
	People     int                        `json:"people"`
	Contacts   int                        `json:"contacts"`
	Tiers      map[string]int64           `json:"tiers"`              // without those held out
	HeldOut    int                        `json:"held_out"`           // people of whom nothing is written, for comparison
	Engine     string                     `json:"engine"`             // that scores are worked out by: what is asked for may wait to be learned
	Drift      *pipeline.Drift            `json:"drift,omitempty"`    // the share of high against its past, once that is long enough
	Capacity   map[string]pipeline.Cut    `json:"capacity,omitempty"` // where high begins by owner, for whom that is raised; "": nobody's
	Written    int64                      `json:"written"`            // patches acknowledged since start
	Rejected   int64                      `json:"rejected"`           // since start
	Filtered   journey.Filtered           `json:"filtered"`           // events that journeys left out, since start, at each look
	Withdrew   int64                      `json:"withdrew"`           // people whose consent was withdrawn and whose journey was erased, since start
	Connectors map[string]ConnectorStatus `json:"connectors"`
	// UnknownForms are forms sent, by name, that nothing in the config knows; UnknownFormsEver those that it did not know when they came.
	UnknownForms     map[string]int64     `json:"unknown_forms,omitempty"`
	UnknownFormsEver int64                `json:"unknown_forms_ever,omitempty"`
	LastGood         map[string]time.Time `json:"last_good"` // by poll/…, listen/…, sweep/…, write/…
	Batches          batch.Status         `json:"batches"`
	Runs             []state.Run          `json:"runs,omitempty"`
	Hours            []state.Hour         `json:"hours,omitempty"`      // what came of polls, listens, sweeps and writes by hour, the oldest first
	FirstSync        map[string]bool      `json:"first_sync,omitempty"` // CRMs whose first full pass has not ended
	State            state.Stats          `json:"state"`
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
	// Followed is how far a CRM's log of changes was read, where there is one.
	Followed *connectors.Followed `json:"followed,omitempty"`
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

// StatusOf looks at everything without asking anybody.
func StatusOf(p *pipeline.Pipeline) Status {
	s := p.Setup()
	st := p.DB().Stats()
	b := p.Brake()
	out := Status{
		At: p.Now(), Paused: b.Paused, WriteMode: s.Write.Mode, Queue: map[string]LaneStatus{}, Journal: p.DB().JournalDepth(), Dead: p.DB().DeadCount(),
		Due: p.DB().DueCount(), People: st.People, Contacts: st.Contacts, Tiers: map[string]int64{}, HeldOut: st.HeldOut, Engine: s.Score.Engine(), Connectors: map[string]ConnectorStatus{},
		LastGood: p.Health().LastGood(), Hours: p.DB().Hours(), Batches: p.Batches().Status(), FirstSync: map[string]bool{}, State: st,
	}
	out.Capacity = p.Cuts()
	if shares, err := p.Shares(); err == nil {
		if d, ok := pipeline.DriftOf(shares); ok {
			out.Drift = &d
		}
	}
	out.Written, out.Rejected, out.Withdrew, out.Filtered = p.Counts()
	out.UnknownFormsEver, out.UnknownForms = p.UnknownForms(s.Journey)
	if b.On {
		out.Brake = b.Why
	}
	if err := p.ClockDoubt(); err != nil {
		out.Clock = err.Error()
	}
	depth, oldest := p.DB().QueueDepth()
	for i := range depth {
		out.Queue[LaneName(state.Lane(i))] = LaneStatus{Depth: depth[i], Oldest: oldest[i]}
	}
	for t, n := range st.Tiers[1:] {
		out.Tiers[score.Tier(t).String()] = int64(n)
	}
	report := func(name string, c any) {
		cs := ConnectorStatus{OK: true, Report: connectors.Report{DailyLimit: -1, DailyRemaining: -1}}
		if r, ok := c.(connectors.Reporter); ok {
			cs.Report = r.Report()
		}
		if f, failing := p.Health().Failing(name); failing {
			cs.OK, cs.Kind, cs.Error, cs.Since, cs.Until = false, f.Kind.String(), f.Err.Error(), f.Since, f.Until
		}
		out.Connectors[name] = cs
	}
	for i := range s.CRMs {
		report(s.CRMs[i].Name, s.CRMs[i].CRM)
		out.FirstSync[s.CRMs[i].Name] = intake.NeedsFirstSync(p, s.CRMs[i].Name)
		cs := out.Connectors[s.CRMs[i].Name]
		cs.Followed = intake.Followed(p, &s.CRMs[i])
		out.Connectors[s.CRMs[i].Name] = cs
	}
	for i := range s.Sources {
		report(s.Sources[i].Name, s.Sources[i].Source)
		if r, ok := s.Sources[i].Source.(connectors.IntakeReporter); ok {
			cs := out.Connectors[s.Sources[i].Name]
			cs.Intake = intakeOf(p, s.Sources[i].Name, r)
			out.Connectors[s.Sources[i].Name] = cs
		}
	}
	out.Runs, _ = p.DB().Runs()
	for _, r := range out.Runs {
		if _, ok := out.LastGood[r.Name]; !ok && !r.Good.IsZero() {
			out.LastGood[r.Name] = r.Good
		}
	}
	return out
}

// intakeOf are the counts of a source: its own, and whom it reached.
func intakeOf(p *pipeline.Pipeline, source string, r connectors.IntakeReporter) *connectors.Intake {
	i, err := r.Intake()
	if err != nil {
		return nil // what ails the source shows in its own condition
	}
	if reached, err := p.DB().Reached(source); err == nil {
		i.People, i.Strangers = reached.People, reached.Strangers
	}
	return &i
}
