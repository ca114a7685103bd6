package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
	"github.com/intentd/intentd/connectors/salesforce"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/learn"
	"github.com/intentd/intentd/pipeline/learn/backtest"
	"github.com/intentd/intentd/pipeline/learn/table"
)

// Why deals, and people of deals, are left out.
const (
	whyNoCreation  = "deals that do not say when they were created"
	whyNobody      = "deals without a contact"
	whyBeforeAll   = "deals that were created before the journeys begin"
	whyGone        = "contacts of deals that are gone from the CRM"
	whyDenied      = "contacts of deals who deny their consent"
	whyNoTrace     = "contacts of deals of whom no source knows anything before"
	whyNotYetNamed = "steps of visitors whose name was not known yet"
)

// maxDeals bounds how many closed deals are read; beside a daemon's work half of them, which take some 180 MB.
const (
	maxDeals       = 20_000
	maxDealsBeside = maxDeals / 2
)

// dealBacktest is a backtest over a CRM's closed deals under way.
type dealBacktest struct {
	o       BacktestOptions
	a       *App
	cfg     *config.Config
	setup   *pipeline.Setup
	now     time.Time
	deals   []connectors.Deal
	lots    [][]contactOfDeals
	snaps   map[string][]*learn.Snapshot // of the deals' people, by deal
	people  []backtest.Person
	leftOut map[string]int
	remarks []string
	counts  journey.Filtered
	begins  time.Time // the first thing that any source tells of
	fed     bool      // feeds are taken in elsewhere: a daemon's own learning
	shares  learn.Shares
	// recalled are the snapshots whose features are the daemon's of the time.
	recalled map[*learn.Snapshot]bool
}

// contactOfDeals is a live record with the deals that it is on.
type contactOfDeals struct {
	contact connectors.Contact
	deals   []*connectors.Deal
}

// dealsOf makes the people of a CRM's closed deals a population: each as they were a day before their deal was created. It reads from CRMs and sources, and keeps all that it
// needs in a temporary directory, which is gone when it returns.
func dealsOf(ctx context.Context, cfg *config.Config, o BacktestOptions) (*backtest.Population, error) {
	b, end, err := openDeals(cfg, o)
	if err != nil {
		return nil, err
	}
	defer end()
	p, err := b.make(ctx)
	if connectors.KindOf(err) == connectors.Quota {
		err = fmt.Errorf("%w: run it again then, or ask for less with --since", err)
	}
	return p, err
}

// make reads deals, people and journeys, and sums up.
func (b *dealBacktest) make(ctx context.Context) (*backtest.Population, error) {
	if !b.fed {
		if err := b.takeFeeds(ctx); err != nil {
			return nil, err
		}
	}
	if err := b.readDeals(ctx); err != nil {
		return nil, err
	}
	if !b.o.AsOf.IsZero() {
		return b.everybody(ctx)
	}
	if err := b.readContacts(ctx); err != nil {
		return nil, err
	}
	for i, lot := range b.lots {
		b.tell("%d of %d lots of people: what they did before their deals", i+1, len(b.lots))
		if err := b.lot(ctx, lot); err != nil {
			return nil, err
		}
	}
	if b.begins.IsZero() {
		people := 0
		for _, lot := range b.lots {
			people += len(lot)
		}
		return nil, fmt.Errorf("no source knows anything that one of the %d people of %d closed deals did before%s: see by intentd explain --source NAME EMAIL what a source answers of one of them",
			people, len(b.deals), byReason(b.leftOut))
	}
	return b.population(), nil
}

// openDeals opens connectors and pipeline over an empty state, texts by rules.
func openDeals(cfg *config.Config, o BacktestOptions) (*dealBacktest, func(), error) {
	for _, c := range cfg.CRMs {
		if s, ok := c.Settings.(*salesforce.Config); ok && s.Auth.Flow == salesforce.RefreshToken {
			return nil, nil, fmt.Errorf("crm %s signs in by a refresh token, which a backtest might use up: give it flow: client_credentials or jwt", c.Name)
		}
	}
	dir, err := os.MkdirTemp("", "intentd-backtest-")
	if err != nil {
		return nil, nil, err
	}
	own := *cfg
	own.Model = config.Default().Model
	own.State.Path, own.Clickstream.Dir = filepath.Join(dir, "intentd.db"), filepath.Join(dir, "events")
	if own.Clickstream.Retention > 0 { // what feeds hold of the time before is to be taken in
		own.Clickstream.Retention = max(own.Clickstream.Retention, o.Span+before+own.Privacy.Retention.History, time.Since(o.AsOf)+own.Privacy.Retention.History)
	}
	app := o.App
	app.Config = &own
	a, err := Open(app)
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	b := &dealBacktest{o: o, a: a, cfg: &own, setup: a.made.setup, now: a.o.Now(), leftOut: map[string]int{}, snaps: map[string][]*learn.Snapshot{}, recalled: map[*learn.Snapshot]bool{}}
	return b, func() { _ = errors.Join(a.Close(), os.RemoveAll(dir)) }, nil // nothing in it is needed any more
}

// tell says where it stands.
func (b *dealBacktest) tell(format string, args ...any) {
	if b.o.Progress != nil {
		b.o.Progress(fmt.Sprintf(format, args...))
	}
}

// takeFeeds takes in what feeds hold. What a receiver was sent lies with the daemon, and is not known here.
func (b *dealBacktest) takeFeeds(ctx context.Context) error {
	var sent []string
	for i := range b.setup.Sources {
		src := &b.setup.Sources[i]
		if _, receives := b.a.made.inlets[src.Name]; receives {
			sent = append(sent, src.Name)
		}
		for more := src.Take != nil; more; {
			b.tell("taking in %s", src.Name)
			var err error
			if more, err = src.Take(ctx); err != nil {
				return fmt.Errorf("source %s: %w", src.Name, err)
			}
		}
	}
	if sent != nil {
		b.remarks = append(b.remarks, "without what was sent to "+strings.Join(sent, ", ")+": the daemon keeps it, and a backtest has no state")
	}
	return nil
}

// readDeals reads the deals that were closed in the span, of every CRM.
func (b *dealBacktest) readDeals(ctx context.Context) error {
	since := b.now.Add(-b.o.Span)
	if from := b.o.AsOf.AddDate(-1, 0, 0); !b.o.AsOf.IsZero() && from.Before(since) {
		since = from // who was in a deal already is no news
	}
	read := false
	for _, crm := range b.setup.CRMs {
		reader, ok := crm.CRM.(connectors.DealReader)
		if !ok || b.o.CRM != "" && b.o.CRM != crm.Name {
			continue
		}
		read = true
		deals, cut, err := closedDeals(ctx, reader, since, b.now, b.most(), func(n int) { b.tell("reading closed deals of %s: %d", crm.Name, len(b.deals)+n) })
		if err != nil {
			return err
		}
		if cut {
			b.remarks = append(b.remarks, fmt.Sprintf("%s has more closed deals than the %d that were read: shorten --since", crm.Name, b.most()))
		}
		for _, d := range deals {
			if d.Created.IsZero() {
				b.leftOut[whyNoCreation]++
				continue
			}
			b.deals = append(b.deals, d)
		}
	}
	switch {
	case !read && b.o.CRM != "":
		return fmt.Errorf("--crm %s: the configuration has no such CRM", b.o.CRM)
	case !read:
		return errors.New("the configuration names no CRM whose deals could be read: add one to crms" + b.orFiles())
	case len(b.deals) == 0:
		return fmt.Errorf("no deal was closed since %s that the token can see%s: reach further back with --since%s", since.Format(time.DateOnly), byReason(b.leftOut), b.orFiles())
	}
	return nil
}

func (b *dealBacktest) most() int {
	if b.fed {
		return maxDealsBeside
	}
	return maxDeals
}

// orFiles is the other way to people that a backtest has.
func (b *dealBacktest) orFiles() string {
	if b.fed {
		return ""
	}
	return ", or give people by --people or --journeys"
}

// closedDeals reads the deals of a CRM that were closed in a span, at most so many and each once: of one that is told twice the later word counts. cut says
// that there are more. tell, where set, is told how many there are so far.
func closedDeals(ctx context.Context, reader connectors.DealReader, since, now time.Time, most int, tell func(n int)) (deals []connectors.Deal, cut bool, err error) {
	seen := map[string]int{}
	var cursor connectors.Cursor
	for more := true; more; {
		if tell != nil {
			tell(len(deals))
		}
		page, err := reader.Deals(ctx, cursor, since)
		if err != nil {
			return nil, false, err
		}
		for _, d := range page.Items {
			switch at, known := seen[d.ID]; {
			case known:
				deals[at] = d
			case d.Closed.Before(since) || d.Closed.After(now):
			default:
				seen[d.ID] = len(deals)
				deals = append(deals, d)
			}
		}
		if cursor, more = page.Next, page.More; more && len(deals) >= most {
			return deals, true, nil
		}
	}
	return deals, false, nil
}

// byReason lists reasons with their counts, in brackets; "" if there are none.
func byReason(reasons map[string]int) string {
	var each []string
	for _, why := range slices.Sorted(maps.Keys(reasons)) {
		each = append(each, fmt.Sprintf("%s: %d", why, reasons[why]))
	}
	if each == nil {
		return ""
	}
	return " (left out: " + strings.Join(each, ", ") + ")"
}

// readContacts reads the people of the deals, follows merged ones to where they live on, and makes lots of them by when their deals were created, so that a lot's window is short.
func (b *dealBacktest) readContacts(ctx context.Context) error {
	on := map[connectors.Ref][]*connectors.Deal{}
	for i := range b.deals {
		d := &b.deals[i]
		if len(d.Contacts) == 0 {
			b.leftOut[whyNobody]++
		}
		for _, ref := range d.Contacts {
			on[ref] = append(on[ref], d)
		}
	}
	live := map[connectors.Ref]*contactOfDeals{}
	for hops := 0; len(on) > 0 && hops < 4; hops++ {
		moved := map[connectors.Ref][]*connectors.Deal{}
		for i := range b.setup.CRMs {
			crm := &b.setup.CRMs[i]
			refs := slices.SortedFunc(maps.Keys(on), func(x, y connectors.Ref) int { return strings.Compare(x.String(), y.String()) })
			refs = slices.DeleteFunc(refs, func(r connectors.Ref) bool { return r.CRM != crm.Name })
			for at := 0; at < len(refs); at += readAtOnce {
				b.tell("reading the people of %d deals: %d of %d", len(b.deals), at, len(refs))
				contacts, err := b.a.pipe.Read(ctx, crm, refs[at:min(at+readAtOnce, len(refs))])
				if err != nil {
					return err
				}
				for k := range contacts {
					b.place(crm, refs[at+k], &contacts[k], on[refs[at+k]], live, moved)
				}
			}
		}
		on = moved
	}
	if len(on) > 0 { // merged round in circles
		b.leftOut[whyGone] += len(on)
	}
	all := slices.Collect(maps.Values(live))
	slices.SortFunc(all, func(x, y *contactOfDeals) int {
		if c := x.deals[0].Created.Compare(y.deals[0].Created); c != 0 {
			return c
		}
		return strings.Compare(x.contact.Ref.String(), y.contact.Ref.String())
	})
	for i, c := range all {
		if i%peopleAtOnce == 0 {
			b.lots = append(b.lots, nil)
		}
		b.lots[len(b.lots)-1] = append(b.lots[len(b.lots)-1], *c)
	}
	return nil
}

// How many records are read in one call, and of how many people the sources are asked at once: what a daemon's lots are.
const (
	readAtOnce   = 500
	peopleAtOnce = 100
)

// place puts a record that was read where it belongs.
func (b *dealBacktest) place(crm *pipeline.CRM, ref connectors.Ref, c *connectors.Contact, deals []*connectors.Deal, live map[connectors.Ref]*contactOfDeals, moved map[connectors.Ref][]*connectors.Deal) {
	switch {
	case c.State == connectors.Merged && !c.Into.IsZero():
		moved[c.Into] = append(moved[c.Into], deals...)
	case c.State != connectors.Live:
		b.leftOut[whyGone]++
	case crm.Consent.Of(c) == journey.ConsentDenied:
		b.leftOut[whyDenied]++
	default:
		if live[ref] == nil {
			live[ref] = &contactOfDeals{contact: *c}
			live[ref].contact.Ref = ref
		}
		for _, d := range deals {
			if !slices.Contains(live[ref].deals, d) { // who was merged may have been on it twice
				live[ref].deals = append(live[ref].deals, d)
			}
		}
		slices.SortFunc(live[ref].deals, func(x, y *connectors.Deal) int { return x.Created.Compare(y.Created) })
	}
}

// lot asks the sources about people and makes a snapshot of each for each of their deals.
func (b *dealBacktest) lot(ctx context.Context, people []contactOfDeals) error {
	records := make([]connectors.Contact, len(people))
	first, last := people[0].deals[0].Created, time.Time{}
	for i := range people {
		records[i] = people[i].contact
		for _, d := range people[i].deals {
			if d.Created.Before(first) {
				first = d.Created
			}
			if d.Created.After(last) {
				last = d.Created
			}
		}
	}
	w := connectors.Window{From: first.Add(-before - b.setup.History), To: last.Add(-before + time.Second)}
	trials, err := b.a.pipe.Past(ctx, b.setup, records, w)
	if err != nil {
		return err
	}
	var cases []outcomeCase
	var of []*connectors.Deal
	for i := range trials {
		for k := range trials[i].Events {
			if at := trials[i].Events[k].Time; !at.IsZero() && (b.begins.IsZero() || at.Before(b.begins)) {
				b.begins = at
			}
		}
		for _, d := range people[i].deals {
			past := b.knownAt(&trials[i], d.Created.Add(-before))
			cases, of = append(cases, outcomeCase{past, &table.Outcome{Won: d.Won, At: d.Created, Worth: amount(d)}}), append(of, d)
		}
	}
	did := make([][]learn.Unruled, len(cases))
	made, filtered, err := snapshots(ctx, b.setup, cases, learn.Profile, func(past *pipeline.Trial, _ time.Time) pipeline.Trial { return *past }, func(i int, t *pipeline.Tried) {
		if b.fed {
			did[i] = learn.UnruledOf(t.Visits, t.Signals)
		}
	})
	if err != nil {
		return err
	}
	b.counts.Add(filtered)
	if err := b.recall(ctx, cases, made); err != nil {
		return err
	}
	if err := b.profiles(ctx, cases, made); err != nil {
		return err
	}
	for i := range made {
		if made[i].Snapshot.Steps > 0 {
			b.shares.Add(did[i], made[i].Won)
		}
		made[i].Deal = of[i].Ref.String()
		b.snaps[made[i].Deal] = append(b.snaps[made[i].Deal], made[i].Snapshot)
		b.people = append(b.people, made[i])
	}
	return nil
}

// knownAt is somebody as they were known at a time: what they did until then, as far back as a daemon would have looked, and what a visitor did without a name only where that
// visitor had been seen under one by then.
func (b *dealBacktest) knownAt(who *pipeline.Trial, at time.Time) *pipeline.Trial {
	t := &pipeline.Trial{Key: who.Key, Contact: who.Contact, IDs: who.IDs}
	from := at.Add(-b.setup.History)
	within := func(e *connectors.Event) bool { return !e.Time.After(at) && !e.Time.Before(from) }
	nameless := func(e *connectors.Event) bool {
		return e.AnonymousID != "" && e.Email+e.UserID+e.Phone == "" && !slices.ContainsFunc(who.IDs, func(id identity.ID) bool { return id.Value == e.AnonymousID })
	}
	named := map[string]bool{}
	for i := range who.Events {
		if e := &who.Events[i]; within(e) && e.AnonymousID != "" && !nameless(e) {
			named[e.AnonymousID] = true
		}
	}
	for i := range who.Events {
		e := &who.Events[i]
		switch {
		case !within(e):
		case nameless(e) && !named[e.AnonymousID]:
			b.leftOut[whyNotYetNamed]++
		default:
			t.Events = append(t.Events, *e)
		}
	}
	return t
}

// population sums up, once it is known how far back the journeys reach.
func (b *dealBacktest) population() *backtest.Population {
	set := scoreSettings(b.cfg)
	told := &backtest.Deals{Since: b.now.Add(-b.o.Span)}
	unfair := func(created time.Time) bool { return !created.Add(-before).After(b.begins) } // no source could have known anything
	for i := range b.deals {
		d := &b.deals[i]
		if unfair(d.Created) {
			b.leftOut[whyBeforeAll]++
			continue
		}
		told.Add(&set, d.Won, amount(d), b.snaps[d.Ref.String()])
	}
	kept := b.people[:0]
	for _, p := range b.people {
		switch {
		case p.Snapshot.Steps > 0:
			kept = append(kept, p)
		case !unfair(p.At):
			b.leftOut[whyNoTrace]++
		}
	}
	b.remarks = append(b.remarks, "the first thing that a source tells of is of "+b.begins.UTC().Format("2 Jan 2006"))
	b.tellRecalled(kept)
	if named := b.counts.Named(); named != nil {
		b.remarks = append(b.remarks, "steps that count for nothing: "+strings.Join(named, ", "))
	}
	maps.DeleteFunc(b.leftOut, func(_ string, n int) bool { return n == 0 })
	return &backtest.Population{
		People:   backtest.Each(kept),
		Settings: set, Journeys: true, Kept: true, Deals: told, Baseline: [3]bool{true, true, true}, LeftOut: b.leftOut, Remarks: b.remarks, Trusted: b.o.Columns.Trusted,
		Profile: backtest.KnownOf(kept, b.cfg.ProfileNames()),
	}
}

// amount is what a deal was worth; 0: it does not say.
func amount(d *connectors.Deal) float64 {
	x, err := strconv.ParseFloat(strings.TrimSpace(d.Amount), 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		return 0
	}
	return x
}
