package app

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/connectors/identity"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/learn"
	"github.com/intentd/intentd/pipeline/learn/backtest"
	"github.com/intentd/intentd/pipeline/learn/table"
)

// BacktestOptions say on whom the score is judged: on the People of a table, on Journeys with Outcomes, or, with neither, on the closed deals of the Config's CRMs.
type BacktestOptions struct {
	Config   *config.Config // its scoring, topics, products and privacy count; nil: the defaults
	People   string         // a CSV file, one row a person
	Columns  table.Columns  // of it; with journeys Features and Trusted alone
	Journeys string         // a file of events
	Outcomes string         // a CSV file: email, outcome, at
	Prior    string         // a file of coefficients; "": the built-in strengths

	App      Options       // of closed deals: how CRMs and sources are met; its Config is ours
	Span     time.Duration // of closed deals: how far back they may have been closed
	CRM      string        // whose closed deals; "": of every CRM
	AsOf     time.Time     // everybody who was active at this date, against the deals that were created Within after it; zero: the people of closed deals
	Within   time.Duration
	History  Target       // whose snapshots say what was known at a date; nil: journeys are rebuilt for all
	Progress func(string) // told where it stands; nil: nobody listens
}

// BacktestOf is a backtest with what it was of.
type BacktestOf struct {
	*backtest.Result
	Of string // the file, or the deals
}

// WriteStrengths writes the coefficients that were learned.
func (b *BacktestOf) WriteStrengths(w io.Writer) error {
	if b.Strengths == nil {
		return fmt.Errorf("no strengths were learned: %s", b.Unlearned)
	}
	return b.Strengths.Write(w)
}

// Backtest judges the score on people whose outcomes are known. It writes nothing, and asks nobody but, of closed deals, CRMs and sources. An error about a file is a sentence that says what to do.
func Backtest(ctx context.Context, o BacktestOptions) (*BacktestOf, error) {
	cfg := config.Default()
	if o.Config != nil {
		own := *o.Config
		cfg = &own
	}
	var prior *learn.Strengths
	if o.Prior != "" {
		b, err := os.ReadFile(o.Prior)
		if err == nil {
			prior, err = learn.ReadStrengths(b)
		}
		if err != nil {
			return nil, fmt.Errorf("--prior %s: %w", o.Prior, err)
		}
	}
	var p *backtest.Population
	var err error
	of := o.People
	if o.People+o.Journeys == "" {
		of = "the closed deals of the CRM"
		if !o.AsOf.IsZero() {
			of = "everybody in the CRM who was active on " + o.AsOf.Format("2 Jan 2006")
		}
		p, err = dealsOf(ctx, cfg, o)
	} else if o.Journeys != "" {
		of = o.Journeys
		p, err = journeysOf(ctx, cfg, o)
	} else if t, wrong := table.Open(o.People); wrong != nil {
		err = wrong
	} else {
		p, err = table.People(t, o.Columns, scoreSettings(cfg))
	}
	if err != nil {
		return nil, err
	}
	r, err := backtest.Run(ctx, p, prior)
	if err != nil {
		return nil, err
	}
	return &BacktestOf{r, of}, nil
}

// Why outcomes are left out.
const (
	whyNoJourney = "no step of theirs in the file"
	whyTooLate   = "nothing they did was known a day before the outcome"
	whyTwice     = "told twice"
	whyShared    = "steps whose only id several people have"
	whyStrange   = "steps of companies that nobody here is of"
)

// before is how long before its outcome a journey ends: at the outcome itself the paperwork gives it away.
const before = 24 * time.Hour

// journeysOf reads journeys and makes a snapshot of each at a day before its outcome, as the daemon would have seen it then.
func journeysOf(ctx context.Context, cfg *config.Config, o BacktestOptions) (*backtest.Population, error) {
	outcomes, leftOut, err := table.Outcomes(o.Outcomes, o.Columns.Features)
	if err != nil {
		return nil, err
	}
	events, unread, err := readEvents(o.Journeys)
	if err != nil {
		return nil, err
	}
	for why, n := range unread {
		leftOut["steps: "+why] += n
	}
	cfg.Model = config.Default().Model // texts are not looked at
	if o.Config == nil {
		assume(cfg, events)
	}
	b := readerOf(cfg, events, Options{Now: time.Now})
	defer b.close()
	if err := b.readFile(); err != nil {
		return nil, err
	}
	people, shared, strange := peopleOf(b.setup.Identity, events)
	for why, n := range map[string]int{whyShared: shared, whyStrange: strange} {
		if n > 0 {
			leftOut[why] += n
		}
	}
	cases := casesOf(b.setup.Identity, people, outcomes, leftOut)
	set := scoreSettings(cfg)
	snaps, filtered, err := snapshots(ctx, b.setup, cases, slices.Concat(learn.Profile, o.Columns.Features), func(who *pipeline.Trial, at time.Time) pipeline.Trial { return asOf(b.setup.Identity, who, at) }, nil)
	if err != nil {
		return nil, err
	}
	var remarks []string
	if named := filtered.Named(); named != nil {
		remarks = []string{"steps that count for nothing: " + strings.Join(named, ", ")}
	}
	kept := snaps[:0]
	for _, s := range snaps {
		if s.Snapshot.Steps == 0 {
			leftOut[whyTooLate]++
			continue
		}
		kept = append(kept, s)
	}
	for _, name := range o.Columns.Features {
		if !slices.ContainsFunc(kept, func(p backtest.Person) bool { return p.Snapshot.Words[name] != "" }) && len(kept) > 0 {
			return nil, fmt.Errorf("--features names %s, which is no property of an event in %s before an outcome and no column of %s: leave it out", name, o.Journeys, o.Outcomes)
		}
	}
	if len(kept) == 0 {
		return nil, fmt.Errorf("%s: of %d outcomes none is of somebody in %s with a step more than a day before: the column email must hold the addresses that the events name", o.Outcomes, len(outcomes), o.Journeys)
	}
	return &backtest.Population{
		People:   backtest.Each(kept),
		Settings: set, Journeys: true, Baseline: [3]bool{true, true, true}, LeftOut: leftOut, Remarks: remarks, Trusted: o.Columns.Trusted,
	}, nil
}

// casesOf pairs outcomes with the people who have the address.
func casesOf(rules *identity.Rules, people []pipeline.Trial, outcomes []table.Outcome, leftOut map[string]int) (cases []outcomeCase) {
	byAddress := map[string]int{}
	for i := range people {
		for _, id := range people[i].IDs {
			byAddress[id.Value] = i
		}
	}
	type told struct {
		who int
		at  time.Time
	}
	seen := map[told]bool{}
	for i := range outcomes {
		address := outcomes[i].Who
		if id, ok := rules.ID(identity.Email, "", address); ok {
			address = id.Value
		}
		who, known := byAddress[address]
		switch once := (told{who, outcomes[i].At}); {
		case !known:
			leftOut[whyNoJourney]++
		case seen[once]:
			leftOut[whyTwice]++
		default:
			seen[once] = true
			cases = append(cases, outcomeCase{&people[who], &outcomes[i]})
		}
	}
	return cases
}

type outcomeCase struct {
	who     *pipeline.Trial
	outcome *table.Outcome
}

// snapshots builds everybody's journey as of a day before their outcome, several people at a time, and sums up which steps count for nothing. tell, where set, is told what became of
// each, by several goroutines.
func snapshots(ctx context.Context, setup *pipeline.Setup, cases []outcomeCase, fields []string, asOf func(*pipeline.Trial, time.Time) pipeline.Trial, tell func(i int, t *pipeline.Tried)) (people []backtest.Person, filtered journey.Filtered, err error) {
	out := make([]backtest.Person, len(cases))
	g, ctx := errgroup.WithContext(ctx)
	workers := runtime.GOMAXPROCS(0)
	left := make([]journey.Filtered, workers)
	for w := range workers {
		g.Go(func() error {
			for i := w; i < len(cases); i += workers {
				c := &cases[i]
				at := c.outcome.At.Add(-before)
				tried, err := pipeline.Try(ctx, setup, []pipeline.Trial{asOf(c.who, at)}, at)
				if err != nil {
					return err
				}
				t := &tried[0]
				left[w].Add(t.Receipt.Filtered)
				if tell != nil {
					tell(i, t)
				}
				snap := learn.Snap(t.Visits, t.Signals, t.Receipt.Features, at, fields)
				for name, word := range c.outcome.Profile {
					snap.Words[name] = word
				}
				out[i] = backtest.Person{At: c.outcome.At, Won: c.outcome.Won, Worth: c.outcome.Worth, Snapshot: snap, Given: math.NaN(),
					FormDays: daysBefore(at, snap.LastForm), ActiveDays: daysBefore(at, snap.Last), PageViews: float64(snap.Pages)}
			}
			return nil
		})
	}
	err = g.Wait()
	for _, f := range left {
		filtered.Add(f)
	}
	return out, filtered, err
}

// daysBefore is how many whole days t was before at; NaN if never.
func daysBefore(at, t time.Time) float64 {
	if t.IsZero() {
		return math.NaN()
	}
	return math.Floor(at.Sub(t).Hours() / 24)
}

// asOf is somebody as they were known at a time: what they did until then, under the identifiers that had been seen together with theirs.
func asOf(rules *identity.Rules, who *pipeline.Trial, at time.Time) pipeline.Trial {
	t := pipeline.Trial{Key: who.Key, Contact: who.Contact, IDs: who.IDs[:min(1, len(who.IDs))]}
	ids := make([][]identity.ID, 0, len(who.Events))
	for i := range who.Events {
		if e := &who.Events[i]; !e.Time.After(at) {
			t.Events = append(t.Events, *e)
			ids = append(ids, idsOf(rules, e))
		}
	}
	t.IDs = slices.Clone(t.IDs)
	for grew := true; grew; {
		grew = false
		for _, list := range ids {
			if !slices.ContainsFunc(list, func(id identity.ID) bool { return slices.Contains(t.IDs, id) }) {
				continue
			}
			for _, id := range list {
				if slices.Contains(who.IDs, id) && !slices.Contains(t.IDs, id) {
					t.IDs, grew = append(t.IDs, id), true
				}
			}
		}
	}
	return t
}
