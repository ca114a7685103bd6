package app

import (
	"runtime"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/disk"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/operate"
)

// meter is one figure of intentd. Labels hold configured names, lanes, tiers and purposes: nothing about a person.
type meter struct {
	name, help string
	kind       prometheus.ValueType
	labels     []string
	desc       *prometheus.Desc
}

var meters = []*meter{
	{name: "build_info", help: "Always 1; the labels say what runs.", kind: prometheus.GaugeValue, labels: []string{"version", "go"}},
	{name: "ready", help: "Whether intentd has started and is not stopping.", kind: prometheus.GaugeValue},
	{name: "progress_total", help: "Everything real that was done: pages taken in, lots, patches, jobs. Stands still when intentd does.", kind: prometheus.CounterValue},
	{name: "queue_people", help: "People in the queue.", kind: prometheus.GaugeValue, labels: []string{"lane"}},
	{name: "queue_oldest_seconds", help: "Age of the oldest queue entry, 0 for an empty lane.", kind: prometheus.GaugeValue, labels: []string{"lane"}},
	{name: "journal_patches", help: "Patches that the CRM has not acknowledged yet.", kind: prometheus.GaugeValue},
	{name: "dead_letters", help: "Records or people that cannot be done as things stand.", kind: prometheus.GaugeValue},
	{name: "people", help: "People known.", kind: prometheus.GaugeValue},
	{name: "people_scored", help: "People whose score is shown in a CRM, by tier.", kind: prometheus.GaugeValue, labels: []string{"tier"}},
	{name: "high_share", help: "Share of high among scored people on the last day, once there are 14 days to compare with.", kind: prometheus.GaugeValue},
	{name: "high_share_median", help: "Median of it on up to 28 days before.", kind: prometheus.GaugeValue},
	{name: "high_share_drifted", help: "Whether it is further from that median than usual.", kind: prometheus.GaugeValue},
	{name: "people_held_out", help: "People of whom nothing is written, for comparison (holdout.share).", kind: prometheus.GaugeValue},
	{name: "capacity_owners_raised", help: "Owners, and the pool of nobody's people, for whom high begins above the configured score (scoring.capacity).", kind: prometheus.GaugeValue},
	{name: "capacity_high_from", help: "Where high begins for them: the lowest and the highest such score.", kind: prometheus.GaugeValue, labels: []string{"which"}},
	{name: "alerts_sent_total", help: "Alerts that a channel took since the start.", kind: prometheus.CounterValue, labels: []string{"channel", "kind"}},
	{name: "alerts_waiting", help: "Alerts that wait for their hour, or for another attempt.", kind: prometheus.GaugeValue, labels: []string{"channel", "kind"}},
	{name: "alerts_dead", help: "Alerts that a channel does not take.", kind: prometheus.GaugeValue, labels: []string{"channel", "kind"}},
	{name: "people_due", help: "People whose score will change by time alone.", kind: prometheus.GaugeValue},
	{name: "writes_total", help: "Patches acknowledged since the start.", kind: prometheus.CounterValue},
	{name: "writes_rejected_total", help: "Patches that became dead letters since the start.", kind: prometheus.CounterValue},
	{name: "write_mode", help: "1 for the mode in force.", kind: prometheus.GaugeValue, labels: []string{"mode"}},
	{name: "paused", help: "Whether an admin paused writing.", kind: prometheus.GaugeValue},
	{name: "brake", help: "Whether the brake stopped writing.", kind: prometheus.GaugeValue},
	{name: "clock_doubtful", help: "Whether the clock is not trusted, so that nobody is scored.", kind: prometheus.GaugeValue},
	{name: "reload_failed", help: "Whether the last reload was refused.", kind: prometheus.GaugeValue},
	{name: "first_sync_pending", help: "Whether the first full pass of a CRM has not ended.", kind: prometheus.GaugeValue, labels: []string{"connector"}},
	{name: "first_sync_records", help: "Records of all CRMs while a first sync is under way: those there are, and those met so far.", kind: prometheus.GaugeValue, labels: []string{"records"}},
	{name: "held_records", help: "CRM records of which a person holds a field, so that it is not updated.", kind: prometheus.GaugeValue},
	{name: "held_fields", help: "The same by field.", kind: prometheus.GaugeValue, labels: []string{"field"}},
	{name: "connector_up", help: "Whether the last call to a connector went well.", kind: prometheus.GaugeValue, labels: []string{"connector"}},
	{name: "connector_stopped", help: "1 while a connector is stopped, by the kind of its error.", kind: prometheus.GaugeValue, labels: []string{"connector", "kind"}},
	{name: "last_good_seconds", help: "Seconds since the last success of a poll, listen, sweep or write.", kind: prometheus.GaugeValue, labels: []string{"work", "connector"}},
	{name: "calls_total", help: "Requests to a connector since the start.", kind: prometheus.CounterValue, labels: []string{"connector"}},
	{name: "calls_retried_total", help: "Requests that were repeated.", kind: prometheus.CounterValue, labels: []string{"connector"}},
	{name: "rate_limited_total", help: "Requests answered with 429.", kind: prometheus.CounterValue, labels: []string{"connector"}},
	{name: "sent_bytes_total", help: "Bytes sent to a connector.", kind: prometheus.CounterValue, labels: []string{"connector"}},
	{name: "received_bytes_total", help: "Bytes received from a connector.", kind: prometheus.CounterValue, labels: []string{"connector"}},
	{name: "quota_limit", help: "Calls a day that the vendor allows.", kind: prometheus.GaugeValue, labels: []string{"connector"}},
	{name: "quota_remaining", help: "Calls left today by the vendor's word.", kind: prometheus.GaugeValue, labels: []string{"connector"}},
	{name: "changes_behind_seconds", help: "How long ago a CRM's log of changes was read to its end, to the minute.", kind: prometheus.GaugeValue, labels: []string{"connector"}},
	{name: "changes_gaps_total", help: "Times such a log did not reach back to where it was read last, ever.", kind: prometheus.CounterValue, labels: []string{"connector"}},
	{name: "changes_skipped_total", help: "Entries of it that told of nothing here, by reason, ever.", kind: prometheus.CounterValue, labels: []string{"connector", "reason"}},
	{name: "source_read_total", help: "Lines, rows or messages read from a source, ever.", kind: prometheus.CounterValue, labels: []string{"connector"}},
	{name: "source_unreadable_total", help: "Of them, what could not be read, by reason.", kind: prometheus.CounterValue, labels: []string{"connector", "reason"}},
	{name: "source_mostly_unreadable", help: "Whether most of the last poll of a source could not be read.", kind: prometheus.GaugeValue, labels: []string{"connector"}},
	{name: "source_events_total", help: "Events of a source that were kept, ever.", kind: prometheus.CounterValue, labels: []string{"connector"}},
	{name: "source_anonymous_total", help: "Of them, events of nobody known when they came in.", kind: prometheus.CounterValue, labels: []string{"connector"}},
	{name: "source_proposed_total", help: "Times a visitor said who they are where that is not believed by itself.", kind: prometheus.CounterValue, labels: []string{"connector"}},
	{name: "source_confirmed_total", help: "Of them, those that something trusted confirmed.", kind: prometheus.CounterValue, labels: []string{"connector"}},
	{name: "source_left_out_total", help: "Events of a source that were not kept, by reason.", kind: prometheus.CounterValue, labels: []string{"connector", "reason"}},
	{name: "source_unknown_kind_total", help: "Events of a source whose kind is not known.", kind: prometheus.CounterValue, labels: []string{"connector"}},
	{name: "unknown_forms_total", help: "Forms sent whose names nothing in the configuration knew, ever.", kind: prometheus.CounterValue},
	{name: "source_reused_ids_total", help: "Ids of events that came again for something else.", kind: prometheus.CounterValue, labels: []string{"connector"}},
	{name: "source_people_total", help: "People a source told of, once a poll.", kind: prometheus.CounterValue, labels: []string{"connector"}},
	{name: "source_strangers_total", help: "Of them, people who are in no CRM.", kind: prometheus.CounterValue, labels: []string{"connector"}},
	{name: "model_spent_usd_today", help: "Model spending today.", kind: prometheus.GaugeValue},
	{name: "model_budget_usd", help: "Model budget a day.", kind: prometheus.GaugeValue},
	{name: "model_calls_today", help: "Model calls today.", kind: prometheus.GaugeValue, labels: []string{"purpose"}},
	{name: "model_tokens_today", help: "Model tokens today.", kind: prometheus.GaugeValue, labels: []string{"purpose", "direction"}},
	{name: "model_stage_usd_today", help: "What the model cost today by what it was asked for.", kind: prometheus.GaugeValue, labels: []string{"purpose"}},
	{name: "model_person_usd_today", help: "What the model's texts cost today for a person, the mean.", kind: prometheus.GaugeValue},
	{name: "model_jobs", help: "Jobs of prompts at the model's vendor.", kind: prometheus.GaugeValue},
	{name: "model_job_oldest_seconds", help: "How long the oldest of them is under way; 0 where there is none.", kind: prometheus.GaugeValue},
	{name: "model_jobs_waiting_people", help: "People whose texts wait for a job.", kind: prometheus.GaugeValue},
	{name: "model_jobs_given_up_total", help: "Jobs that ended without answering all of their prompts.", kind: prometheus.CounterValue},
	{name: "model_people_today", help: "People inferred with the model today, and those who got the rules' texts because it failed.", kind: prometheus.GaugeValue, labels: []string{"texts"}},
	{name: "state_file_bytes", help: "Size of the state file.", kind: prometheus.GaugeValue},
	{name: "state_free_bytes", help: "Reusable space inside the state file.", kind: prometheus.GaugeValue},
	{name: "disk_free_bytes", help: "Space that intentd can still fill beside the state file.", kind: prometheus.GaugeValue},
	{name: "background_failures_total", help: "Small updates of the state that nobody waits for (caches, usage) and that failed.", kind: prometheus.CounterValue},
	{name: "learned_applied", help: "Number of what was learned from closed deals and is in force; 0: nothing is.", kind: prometheus.GaugeValue},
	{name: "learned_waiting", help: "Number of what was learned since and waits to be applied; 0: nothing does.", kind: prometheus.GaugeValue},
	{name: "learning_stuck", help: "Whether the last scheduled learning had nothing to learn from, or might not.", kind: prometheus.GaugeValue},
	{name: "job_running", help: "Whether a job runs now.", kind: prometheus.GaugeValue, labels: []string{"job"}},
	{name: "job_failed", help: "Whether the last run of a job failed.", kind: prometheus.GaugeValue, labels: []string{"job"}},
}

var meterNamed = func() map[string]*meter {
	by := map[string]*meter{}
	for _, m := range meters {
		m.desc = prometheus.NewDesc("intentd_"+m.name, m.help, m.labels, nil)
		by[m.name] = m
	}
	return by
}()

// modelName is the model among the connectors: a name that no connector can have, for the section of that name is its own.
const modelName = "model"

// metrics reads all figures at the moment of a scrape: nothing is counted twice, nothing goes stale.
type metrics struct{ a *App }

func (m metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, one := range meters {
		ch <- one.desc
	}
}

// Collect implements prometheus.Collector.
func (m metrics) Collect(ch chan<- prometheus.Metric) {
	s := &figures{a: m.a, ch: ch, st: operate.StatusOf(m.a.pipe), now: m.a.o.Now()}
	s.work()
	s.connectors()
	s.model()
	s.state()
}

// figures are those of one scrape.
type figures struct {
	a   *App
	ch  chan<- prometheus.Metric
	st  operate.Status
	now time.Time
}

func (s *figures) put(name string, v float64, labels ...string) {
	one := meterNamed[name]
	s.ch <- prometheus.MustNewConstMetric(one.desc, one.kind, v, labels...)
}

func (s *figures) flag(name string, on bool, labels ...string) {
	v := 0.0
	if on {
		v = 1
	}
	s.put(name, v, labels...)
}

// age is how long ago something was, in seconds; 0 for never.
func (s *figures) age(at time.Time) float64 {
	if at.IsZero() {
		return 0
	}
	return max(0, s.now.Sub(at).Seconds())
}

// work puts what waits, what was done and what stops it.
func (s *figures) work() {
	s.put("build_info", 1, s.a.o.Version, runtime.Version())
	s.flag("ready", s.a.ready.Load())
	s.put("progress_total", float64(s.a.did.Load()))
	for lane, l := range s.st.Queue {
		s.put("queue_people", float64(l.Depth), lane)
		if l.Depth == 0 {
			l.Oldest = time.Time{}
		}
		s.put("queue_oldest_seconds", s.age(l.Oldest), lane)
	}
	s.put("journal_patches", float64(s.st.Journal))
	s.put("dead_letters", float64(s.st.Dead))
	s.put("people", float64(s.st.People))
	s.put("people_held_out", float64(s.st.HeldOut))
	s.put("people_due", float64(s.st.Due))
	s.put("unknown_forms_total", float64(s.st.UnknownFormsEver))
	for tier, n := range s.st.Tiers {
		s.put("people_scored", float64(n), tier)
	}
	if d := s.st.Drift; d != nil {
		s.put("high_share", d.Share)
		s.put("high_share_median", d.Median)
		s.flag("high_share_drifted", d.Drifted)
	}
	s.reach()
	s.put("writes_total", float64(s.st.Written))
	s.put("writes_rejected_total", float64(s.st.Rejected))
	for _, mode := range []pipeline.WriteMode{pipeline.WriteOff, pipeline.WriteCanary, pipeline.WriteOn} {
		s.flag("write_mode", s.st.WriteMode == mode, string(mode))
	}
	s.flag("paused", s.st.Paused)
	s.flag("brake", s.st.Brake != "")
	s.flag("clock_doubtful", s.st.Clock != "")
	s.flag("reload_failed", s.a.reloadErr.Load() != nil)
	for crm, pending := range s.st.FirstSync {
		s.flag("first_sync_pending", pending, crm)
	}
	if p := s.a.sync.progress(s.st); p != nil {
		s.put("first_sync_records", float64(p.Total), "total")
		s.put("first_sync_records", float64(p.Met), "met")
	}
	s.put("held_records", float64(s.st.State.Held))
	if h := s.a.held.Load(); h != nil {
		for field, n := range h.Fields {
			s.put("held_fields", float64(n), field)
		}
	}
	for name, at := range s.st.LastGood {
		if work, connector, ok := strings.Cut(name, "/"); ok {
			s.put("last_good_seconds", max(0, s.now.Sub(at).Seconds()), work, connector)
		}
	}
	s.a.mu.Lock()
	sched := s.a.sched
	s.a.mu.Unlock()
	if sched != nil {
		for _, j := range sched.state() {
			s.flag("job_running", j.Running, j.Name)
			s.flag("job_failed", j.Error != "", j.Name)
		}
	}
}

// traffic puts the calls to a connector.
func (s *figures) traffic(name string, r connectors.Report) {
	s.put("calls_total", float64(r.Calls), name)
	s.put("calls_retried_total", float64(r.Retries), name)
	s.put("rate_limited_total", float64(r.RateLimited), name)
	s.put("sent_bytes_total", float64(r.BytesSent), name)
	s.put("received_bytes_total", float64(r.BytesReceived), name)
	if r.DailyLimit >= 0 {
		s.put("quota_limit", float64(r.DailyLimit), name)
	}
	if r.DailyRemaining >= 0 {
		s.put("quota_remaining", float64(r.DailyRemaining), name)
	}
}

// reach puts where high begins by capacity, and who was told.
func (s *figures) reach() {
	if s.a.pipe.Setup().Capacity > 0 {
		s.put("capacity_owners_raised", float64(len(s.st.Capacity)))
		low, high := 0, 0
		for _, cut := range s.st.Capacity {
			if low == 0 || cut.From < low {
				low = cut.From
			}
			high = max(high, cut.From)
		}
		if high > 0 {
			s.put("capacity_high_from", float64(low)/10, "lowest")
			s.put("capacity_high_from", float64(high)/10, "highest")
		}
	}
	if told, err := s.a.teller.Status(); err == nil {
		for name, by := range told.By {
			s.put("alerts_sent_total", float64(by.Told), name, by.Kind)
			s.put("alerts_waiting", float64(by.Waiting), name, by.Kind)
			s.put("alerts_dead", float64(by.Dead), name, by.Kind)
		}
	}
}

// connectors puts what each connector says of itself.
func (s *figures) connectors() {
	for name, c := range s.st.Connectors {
		s.flag("connector_up", c.OK, name)
		if c.Kind != "" && s.now.Before(c.Until) {
			s.put("connector_stopped", 1, name, c.Kind)
		}
		s.traffic(name, c.Report)
		if f := c.Followed; f != nil {
			s.put("changes_behind_seconds", max(0, s.now.Sub(f.CaughtUp).Seconds()), name)
			s.put("changes_gaps_total", float64(f.Gaps), name)
			for reason, n := range f.Skipped {
				s.put("changes_skipped_total", float64(n), name, reason)
			}
		}
		if i := c.Intake; i != nil {
			s.put("source_read_total", float64(i.Read), name)
			for reason, n := range i.Unreadable {
				s.put("source_unreadable_total", float64(n), name, reason)
			}
			s.flag("source_mostly_unreadable", i.Trouble() != "", name)
			s.put("source_events_total", float64(i.Events), name)
			s.put("source_anonymous_total", float64(i.Anonymous), name)
			s.put("source_proposed_total", float64(i.Proposed), name)
			s.put("source_confirmed_total", float64(i.Confirmed), name)
			for reason, n := range i.LeftOut {
				s.put("source_left_out_total", float64(n), name, reason)
			}
			s.put("source_unknown_kind_total", float64(connectors.Total(i.UnknownKinds)), name)
			s.put("source_reused_ids_total", float64(i.ReusedIDs), name)
			s.put("source_people_total", float64(i.People), name)
			s.put("source_strangers_total", float64(i.Strangers), name)
		}
	}
}

// model puts what the model does and costs.
func (s *figures) model() {
	s.a.mu.Lock()
	watch, ledger, loc := s.a.watch, s.a.made.ledger, s.a.cfg.Text.Location()
	s.a.mu.Unlock()
	if watch.model != nil {
		s.flag("connector_up", watch.trouble(s.now) == nil, modelName)
		s.traffic(modelName, watch.report())
	}
	spent, budget := ledger.SpentToday()
	s.put("model_jobs", float64(s.st.Batches.Jobs))
	s.put("model_job_oldest_seconds", s.age(s.st.Batches.Oldest))
	s.put("model_jobs_waiting_people", float64(s.st.Batches.Waiting))
	s.put("model_jobs_given_up_total", float64(s.st.Batches.GivenUp))
	s.put("model_spent_usd_today", float64(spent)/1e6)
	if budget >= 0 {
		s.put("model_budget_usd", float64(budget)/1e6)
	}
	if days, err := s.a.db.UsageDays(1); err == nil && len(days) > 0 && days[0].Day == s.a.today(loc) {
		for purpose, u := range days[0].Model {
			s.put("model_calls_today", float64(u.Calls), purpose)
			s.put("model_tokens_today", float64(u.In), purpose, "in")
			s.put("model_tokens_today", float64(u.Out+u.Thoughts), purpose, "out")
			s.put("model_stage_usd_today", float64(u.MicroUSD)/1e6, purpose)
		}
		s.put("model_person_usd_today", spendingOf(days[0]).PerPerson.USD)
		s.put("model_people_today", float64(days[0].People), "model")
		s.put("model_people_today", float64(days[0].Degraded), "rules")
	}
}

// state puts what the state file takes, and what was learned.
func (s *figures) state() {
	s.put("state_file_bytes", float64(s.st.State.FileBytes))
	s.put("state_free_bytes", float64(s.st.State.FreeBytes))
	if free, ok := disk.Free(s.st.State.Path); ok {
		s.put("disk_free_bytes", float64(free))
	}
	if l, err := s.a.learning(); err == nil {
		s.put("learned_applied", l.InForce.number())
		s.put("learned_waiting", l.Waits.number())
		s.flag("learning_stuck", l.Note != nil)
	}
	s.put("background_failures_total", float64(s.st.State.LaterFailed))
}

// registry holds intentd's figures and those of the process, apart from any other registry in it.
func (a *App) registry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(metrics{a}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}
