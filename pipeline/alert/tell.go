package alert

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/notify"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/state"
)

// told is an alert with what is said.
type told struct {
	state.Alert
	person notify.Person
	to     string // the owner's address, where it is known
}

// tell takes alerts to their channel, as few messages as it allows: one for each recipient and tier.
func (t *Teller) tell(ctx context.Context, c *Channel, alerts []state.Alert, now time.Time) error {
	list, overtaken, err := t.compose(ctx, c, alerts)
	if len(overtaken) > 0 {
		if err := t.p.DB().SettleAlerts(overtaken, nil); err != nil {
			return err
		}
		t.count(func(s *Counts) { s.Overtaken += int64(len(overtaken)) })
	}
	if err != nil {
		return err
	}
	size := notify.PeopleMax
	if c.Sender.OneByOne() {
		size = 1
	}
	var refused error
	for len(list) > 0 {
		var batch, rest []told
		for _, a := range list {
			if len(batch) < size && a.to == list[0].to && a.Tier == list[0].Tier {
				batch = append(batch, a)
			} else {
				rest = append(rest, a)
			}
		}
		err := c.Sender.Send(ctx, c.message(batch))
		switch {
		case ctx.Err() != nil:
			return ctx.Err() // nobody knows: it is told again
		case err == nil:
			err = t.p.DB().SettleAlerts(bare(batch), nil)
			t.count(func(s *Counts) { s.Told, t.told[c.Name] = s.Told+int64(len(batch)), t.told[c.Name]+int64(len(batch)) })
		case connectors.KindOf(err) == connectors.Rejected:
			refused = err
			err = t.p.DB().SettleAlerts(nil, failed(bare(batch), err, now))
		default: // of the channel: the others are not tried
			return errors.Join(err, t.p.DB().SettleAlerts(nil, failed(bare(list), err, now)))
		}
		if err != nil {
			return err
		}
		list = rest
	}
	return refused
}

func bare(list []told) []state.Alert {
	out := make([]state.Alert, len(list))
	for i := range list {
		out[i] = list[i].Alert
	}
	return out
}

// An alert that fails for so long is a dead letter, and is given up after so long: what was hot then is not news any more.
const (
	deadAfter    = time.Hour
	givenUpAfter = 72 * time.Hour
)

// failed says how alerts stand that a channel did not take.
func failed(list []state.Alert, err error, now time.Time) []state.Alert {
	kind := connectors.KindOf(err)
	passing := kind == connectors.Transient || kind == connectors.RateLimited || kind == connectors.Quota
	for i := range list {
		a := &list[i]
		if a.First.IsZero() {
			a.First = now
		}
		a.Next = now.Add(state.RetryPause(a.Attempts, passing))
		if until := connectors.Until(err); until.After(a.Next) {
			a.Next = until
		}
		a.Attempts++
		a.Dead = a.Dead || !passing || now.Sub(a.First) >= deadAfter
		if now.Sub(a.First) >= givenUpAfter {
			a.Next = time.Time{}
		}
		a.Message = err.Error()
	}
	return list
}

// message is what a channel brings of several people who entered the same tier.
func (c *Channel) message(batch []told) *notify.Message {
	m := &notify.Message{At: batch[0].At, Language: c.Language, To: batch[0].to, Digest: c.Hours.Daily != nil}
	id := fnv.New64a()
	for i := range batch {
		m.People = append(m.People, batch[i].person)
		fmt.Fprintf(id, "%s %d %s\n", batch[i].Ref, batch[i].At.UnixMilli(), c.Name) // people may be joined meanwhile
	}
	m.ID = fmt.Sprintf("alert-%016x", id.Sum64())
	return m
}

// compose says what is told of each, the oldest first, and of whom nothing is told any more: they left the tier, were set aside or are
// gone from the CRM.
func (t *Teller) compose(ctx context.Context, c *Channel, alerts []state.Alert) (list []told, overtaken []state.Alert, err error) {
	s := t.p.Setup()
	contacts := map[connectors.Ref]connectors.Contact{}
	slices.SortFunc(alerts, func(a, b state.Alert) int { return a.At.Compare(b.At) })
	var refs []connectors.Ref // by alert; zero: nobody is told any more
	for _, a := range alerts {
		person, ok, err := t.p.DB().Person(a.Person)
		if state.Failed(err) {
			return nil, nil, err
		}
		var ref connectors.Ref
		if ok && err == nil && person.Tier >= a.Tier && s.Verdicts[person.Verdict] <= 0 {
			ref = c.record(&a, person.Contacts)
		}
		refs = append(refs, ref)
	}
	if c.Owner || c.Names || c.CRM != "" {
		if contacts, err = t.read(ctx, s, refs); err != nil {
			return nil, nil, err
		}
	}
	for i, a := range alerts {
		ref := refs[i]
		contact, read := contacts[ref]
		if ref.IsZero() || read && contact.State != connectors.Live || c.CRM != "" && !(read && s.Writes(ref, contact.Owner, contact.Fields)) {
			overtaken = append(overtaken, a)
			continue
		}
		one := told{Alert: a, person: notify.Person{Ref: ref, Owner: contact.Owner, Record: ref.String(), Link: t.link(ctx, s, ref), Tier: score.Tier(a.Tier - 1).String(), Score: int(a.Score), Since: a.At}}
		if c.Names {
			one.person.Name = strings.TrimSpace(contact.Profile.FirstName + " " + contact.Profile.LastName)
		}
		if c.Headline {
			one.person.Headline = t.headline(a.Person)
		}
		if c.Owner && c.Sender.Personal() {
			if one.to, err = t.owner(ctx, s, ref.CRM, contact.Owner); err != nil {
				return nil, overtaken, err
			}
		}
		list = append(list, one)
	}
	return list, overtaken, nil
}

// record is the record that an alert is about: of tasks the first one in their CRM, zero where the person has none there.
func (c *Channel) record(a *state.Alert, all []connectors.Ref) connectors.Ref {
	if c.CRM == "" || a.Ref.CRM == c.CRM {
		return a.Ref
	}
	if i := slices.IndexFunc(all, func(r connectors.Ref) bool { return r.CRM == c.CRM }); i >= 0 {
		return all[i]
	}
	return connectors.Ref{}
}

// read are records as their CRMs have them now. What is of no CRM that is configured is left out.
func (t *Teller) read(ctx context.Context, s *pipeline.Setup, of []connectors.Ref) (map[connectors.Ref]connectors.Contact, error) {
	out := map[connectors.Ref]connectors.Contact{}
	for i := range s.CRMs {
		crm := &s.CRMs[i]
		var refs []connectors.Ref
		for _, ref := range of {
			if ref.CRM == crm.Name && !slices.Contains(refs, ref) {
				refs = append(refs, ref)
			}
		}
		if len(refs) == 0 {
			continue
		}
		contacts, err := t.p.Read(ctx, crm, refs)
		if err != nil {
			return nil, err
		}
		for k, c := range contacts {
			out[refs[k]] = c
		}
	}
	return out, nil
}

// capable is a CRM that can do what C says; ok is false if there is none of that name, or it cannot.
func capable[C any](s *pipeline.Setup, name string) (c C, ok bool) {
	for i := range s.CRMs {
		if s.CRMs[i].Name == name {
			c, ok = s.CRMs[i].CRM.(C)
		}
	}
	return c, ok
}

// link is where people look at a record, "" where nobody knows.
func (t *Teller) link(ctx context.Context, s *pipeline.Setup, ref connectors.Ref) string {
	crm, ok := capable[connectors.RecordLinker](s, ref.CRM)
	if !ok {
		return ""
	}
	to, err := crm.RecordURL(ctx, ref)
	if err != nil {
		return ""
	}
	return to
}

// headline is the line that the CRM was given with the last score.
func (t *Teller) headline(id state.PersonID) string {
	raw, err := t.p.DB().LastReceipt(id)
	if err != nil || raw == nil {
		return ""
	}
	r, err := t.p.OpenReceipt(raw)
	if err != nil {
		return ""
	}
	return r.Written[connectors.FieldHeadline]
}

// owner is an owner's address; "" where there is none, or the token may not read owners: doctor says so, and the channel's own place is
// told.
func (t *Teller) owner(ctx context.Context, s *pipeline.Setup, name, id string) (string, error) {
	crm, ok := capable[connectors.OwnerReader](s, name)
	if !ok || id == "" {
		return "", nil
	}
	key := name + "/" + id
	t.mu.Lock()
	known, ok := t.kept[key]
	t.mu.Unlock()
	if ok && t.p.Now().Sub(known.at) < ownerKept {
		return known.address, nil
	}
	address, err := crm.OwnerAddress(ctx, id)
	switch kind := connectors.KindOf(err); {
	case kind == connectors.Auth || kind == connectors.Config || kind == connectors.Rejected:
		return "", nil
	case err != nil:
		return "", err
	}
	t.mu.Lock()
	t.kept[key] = owner{address, t.p.Now()}
	t.mu.Unlock()
	return address, nil
}

func (t *Teller) count(do func(*Counts)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	do(&t.sum)
}

// ErrNoChannel says that no channel of a name is configured.
var ErrNoChannel = errors.New("no channel of that name is configured below alerts")

// Sample sends a sample that tells of nobody to a channel, or by it to an address.
func (t *Teller) Sample(ctx context.Context, channel, to string) error {
	for _, c := range t.channels() {
		if c.Name != channel {
			continue
		}
		now := t.p.Now()
		m := c.message([]told{{Alert: state.Alert{At: now}, to: to, person: notify.Person{Record: "sample/contacts/0", Link: "https://example.com/contacts/0", Tier: score.High.String(), Score: 712, Since: now}}})
		m.Sample, m.Digest = true, false
		if c.Names {
			m.People[0].Name = "Sample Person"
		}
		return c.Sender.Send(ctx, m)
	}
	return ErrNoChannel
}
