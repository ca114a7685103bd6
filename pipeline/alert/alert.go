// Package alert tells a team of people who entered a tier: it takes what the state journalled with the change to the channels of the
// configuration.
//
// Promises: an alert is told at least once by each channel, and not again once that is on disk; a channel that fails holds up no other,
// and nothing of the pipeline; what cannot be told stays as a dead letter; of a person nothing is told but what the channel may show. A channel
// that makes tasks in a CRM is the one exception to invariant 4: it writes only what the write mode lets be written, while no brake is on, to the
// account that the state is bound to.
package alert

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/intentd/intentd/connectors/notify"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/state"
)

// Channel is a configured channel.
type Channel struct {
	Name     string
	Kind     string // slack | teams | webhook | mail | crm_task
	CRM      string // that tasks are made in; "": the channel writes nothing to a CRM
	Sender   notify.Channel
	Owner    bool // to the owner of the record
	Names    bool // a person's name may be told
	Headline bool // and why they are ready
	Language string
	Hours    Hours
}

// Counts are what was done since start.
type Counts struct {
	Told int64 `json:"told"`
	// Overtaken: nobody was told, because the person had left the tier, or the record was gone, before anybody was. For tasks: or because they have
	// no record in that CRM, or none that the write mode lets be written.
	Overtaken int64 `json:"overtaken"`
}

// Status is how alerts stand.
type Status struct {
	Channels []string                  `json:"channels,omitempty"`
	Waiting  int                       `json:"waiting"`
	Dead     int                       `json:"dead"`
	LeftOut  map[pipeline.Untold]int64 `json:"left_out,omitempty"` // people who entered a tier and are told to nobody, since start
	Counts
	By map[string]ByChannel `json:"by_channel,omitempty"` // those that are configured, and those that alerts still wait for
}

// ByChannel is how the alerts of a channel stand.
type ByChannel struct {
	Kind    string `json:"kind,omitempty"` // "" of a channel that is not configured any more
	Waiting int    `json:"waiting"`
	Dead    int    `json:"dead"`
	Told    int64  `json:"told"` // since start
}

// Teller tells. Its rounds are safe for concurrent use.
type Teller struct {
	p        *pipeline.Pipeline
	channels func() []Channel

	round sync.Mutex // one at a time
	mu    sync.Mutex
	sum   Counts
	told  map[string]int64 // since start, by channel
	kept  map[string]owner // by CRM and owner
}

// owner is an owner's address as it was read.
type owner struct {
	address string
	at      time.Time
}

// ownerKept is for how long an address is not asked for again.
const ownerKept = time.Hour

// New is a teller of what p's state holds, by the channels that are configured at present.
func New(p *pipeline.Pipeline, channels func() []Channel) *Teller {
	return &Teller{p: p, channels: channels, told: map[string]int64{}, kept: map[string]owner{}}
}

// mostAtOnce bounds the alerts that a round looks at.
const mostAtOnce = 5000

// all are the alerts that were not told.
func (t *Teller) all() (out []state.Alert, err error) {
	for after, more := "", true; more && len(out) < mostAtOnce; more = after != "" {
		var page []state.Alert
		if page, after, err = t.p.DB().Alerts(after, 500); err != nil {
			return nil, err
		}
		out = append(out, page...)
	}
	return out, nil
}

// Status tells how alerts stand, without asking anybody.
func (t *Teller) Status() (Status, error) {
	alerts, err := t.all()
	s := Status{LeftOut: t.p.AlertsLeftOut(), By: map[string]ByChannel{}}
	t.mu.Lock()
	s.Counts = t.sum
	for name, n := range t.told {
		s.By[name] = ByChannel{Told: n}
	}
	t.mu.Unlock()
	for _, c := range t.channels() {
		s.Channels = append(s.Channels, c.Name)
		by := s.By[c.Name]
		by.Kind = c.Kind
		s.By[c.Name] = by
	}
	for i := range alerts {
		by := s.By[alerts[i].Channel]
		if alerts[i].Dead {
			s.Dead++
			by.Dead++
		} else {
			s.Waiting++
			by.Waiting++
		}
		s.By[alerts[i].Channel] = by
	}
	return s, err
}

// Round tells what is due. The error is of the state, or says which channels failed: each failure is kept with its alerts, too.
func (t *Teller) Round(ctx context.Context) error {
	if !t.round.TryLock() {
		return nil
	}
	defer t.round.Unlock()
	alerts, err := t.all()
	if err != nil || len(alerts) == 0 || t.p.ClockDoubt() != nil {
		return err
	}
	now := t.p.Now()
	by := map[string][]state.Alert{}
	channels := map[string]*Channel{}
	for _, c := range t.channels() {
		channels[c.Name] = &c
	}
	var orphans []state.Alert
	for _, a := range alerts {
		switch c := channels[a.Channel]; {
		case c == nil && !a.Dead:
			a.Dead, a.Next, a.Message = true, time.Time{}, "the configuration has no channel of this name any more"
			orphans = append(orphans, a)
		case c != nil && due(c, &a, now) && (c.CRM == "" || t.writing()):
			by[a.Channel] = append(by[a.Channel], a)
		}
	}
	if len(orphans) > 0 {
		if err := t.p.DB().SettleAlerts(nil, orphans); err != nil {
			return err
		}
	}
	var failed []string
	for _, name := range slices.Sorted(maps.Keys(by)) {
		err := t.tell(ctx, channels[name], by[name], now)
		switch {
		case state.Failed(err) || ctx.Err() != nil:
			return cmp.Or(ctx.Err(), err)
		case err != nil:
			failed = append(failed, err.Error())
		}
	}
	if failed != nil {
		return fmt.Errorf("alerts: %s", strings.Join(failed, "; "))
	}
	return nil
}

// writing says whether CRMs are written to at present: tasks wait while they are not.
func (t *Teller) writing() bool {
	b := t.p.Brake()
	return t.p.Setup().Write.Mode != pipeline.WriteOff && !b.On && !b.Paused
}

// due says whether an alert is to be told now.
func due(c *Channel, a *state.Alert, now time.Time) bool {
	switch {
	case c.Hours.Quiet(now):
		return false
	case a.Attempts > 0 || !a.Next.IsZero():
		return !a.Next.IsZero() && !a.Next.After(now)
	}
	return !a.Dead && !c.Hours.From(a.At).After(now)
}

// Retry has dead letters told again at once: those of a record, or, of none, all. It says how many.
func (t *Teller) Retry(refs []string) (int, error) {
	return t.each(refs, func(letters []state.Alert) error {
		for i := range letters {
			letters[i].Next, letters[i].First = t.p.Now(), time.Time{}
		}
		return t.p.DB().SettleAlerts(nil, letters)
	})
}

// Drop gives dead letters up.
func (t *Teller) Drop(refs []string) (int, error) {
	return t.each(refs, func(letters []state.Alert) error { return t.p.DB().SettleAlerts(letters, nil) })
}

// Dead are the dead letters, of given records, or all.
func (t *Teller) Dead(refs []string) ([]state.Alert, error) {
	alerts, err := t.all()
	return slices.DeleteFunc(alerts, func(a state.Alert) bool {
		return !a.Dead || len(refs) > 0 && !slices.Contains(refs, a.Ref.String())
	}), err
}

func (t *Teller) each(refs []string, do func([]state.Alert) error) (int, error) {
	letters, err := t.Dead(refs)
	if err != nil || len(letters) == 0 {
		return 0, err
	}
	return len(letters), do(letters)
}
