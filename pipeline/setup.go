package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
	"github.com/intentd/intentd/pipeline/batch"
	"github.com/intentd/intentd/pipeline/deliver"
	"github.com/intentd/intentd/pipeline/fields"
	"github.com/intentd/intentd/pipeline/fit"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/pipeline/topics"
	"github.com/intentd/intentd/state"
)

// Setup is everything a config decides. It is swapped as a whole; lots in flight finish under the one they began with.
type Setup struct {
	CRMs    []CRM
	Sources []Source

	Identity  *identity.Rules // what identifies whom; nil: by its defaults
	Journey   *journey.Builder
	Score     score.Settings
	Topics    *topics.Matcher
	Engine    intent.Engine // what the config asks for
	Rules     intent.Engine // deterministic texts: first sync, fallback
	Batch     *batch.Vendor // how Engine's model takes jobs; nil: it takes none
	Fields    fields.Options
	Customers []string // lifecycle values, lower case, whose visits do not count

	Fit *fit.Config // how people are graded by what the CRM says of them; nil: not at all

	Verdicts Verdicts // for how long a rep's word sets somebody aside

	Capacity int // how many people an owner can take a week who come into high by their score; 0: any number

	CustomerFields []Mark // of customers, for CRMs without life-cycle stages

	History time.Duration // how far back journeys are asked for

	Write Write
	// Alerts are the channels that tell of somebody who enters a tier.
	Alerts []Alert
	// Exclude are addresses and mail domains, in lower case, of people of whom nothing is kept and who get no score.
	Exclude []string
	// Settle is how long somebody who did something and asked for nothing waits, so that a visit is looked at once.
	Settle time.Duration
	// BrakeShare is the share (0 to 1) of scored people whose tier may change within a day before writing stops; 0 switches it off.
	BrakeShare float64
	// Holdout is the share (0 to 1) of those first to be written of whom nothing is written, for comparison; 0: everybody is written.
	Holdout float64

	ReceiptsKept  time.Duration // age bound of receipts
	SnapshotsKept time.Duration // age bound of what scores rested on

	// BudgetSpent says whether the day's model budget is used up, or, for people whose tier no model can change (last), their part of it:
	// degraded texts then wait for tomorrow. Nil: nothing bounds a day.
	BudgetSpent func(last bool) bool

	rules                     *state.IdentityRules    // Identity, with the CRMs by name
	scope                     map[connectors.Ref]bool // records that Write.IDs may name
	settingsHash, scoringHash uint64                  // of Score, and of all that lies between events and field values and is no model
}

// IdentityRules are Identity with the CRMs by name, as the state takes them.
func (s *Setup) IdentityRules() *state.IdentityRules { return s.rules }

// ScoringHash is that of all that lies between events and field values and is no model.
func (s *Setup) ScoringHash() uint64 { return s.scoringHash }

// Alert is a channel that tells of people who enter tiers.
type Alert struct {
	Channel string
	Tiers   []score.Tier
}

// CRM is a configured system of record.
type CRM struct {
	Name    string
	Type    string // hubspot | salesforce
	CRM     connectors.CRM
	Objects []string
	// Own is asked for by OwnFields; none: connectors.PersonFields.
	Own connectors.FieldSet
	// Fields names the properties, canonical → the CRM's: fields without a name are not written.
	Fields map[string]string
	// Identify names properties that hold user or anonymous ids.
	Identify []IdentifyBy
	// Consent names the property that says whether somebody consented.
	Consent ConsentBy
	// Profile names properties that strengths may be learned from: what they say stands in score.Features.Profile.
	Profile []string
}

// OwnFields are the fields that its records carry.
func (c *CRM) OwnFields() connectors.FieldSet {
	if c.Own.Fields == nil {
		return connectors.PersonFields()
	}
	return c.Own
}

// IdentifyBy names a property of a CRM's records that holds a user or anonymous id.
type IdentifyBy struct {
	Property string
	Kind     identity.Kind
	Space    string
}

// Source is a configured source of journeys.
type Source struct {
	Name   string
	Source connectors.Source
	// Take, where set, is called before Active: it takes a bounded part of what is new from a feed into the store that Source answers
	// from, and says whether there is more.
	Take func(ctx context.Context) (more bool, err error)
}

// WriteMode says whose records are written.
type WriteMode string

const (
	WriteOn     WriteMode = "on"
	WriteOff    WriteMode = "off"
	WriteCanary WriteMode = "canary"
)

// Write is the write mode with the scope of a canary: a record is in scope when it matches any of the given lists.
type Write struct {
	Mode   WriteMode
	Owners []string
	IDs    []string // record ids or "crm/object/id"
	Lists  []Mark   // e.g. of a segment
}

// Mark is on every record of a CRM, or of any, whose input property has a value, among others where it holds several.
type Mark struct{ CRM, Property, Value string }

// On says whether a record of a CRM has the mark, by its inputs. Case does not matter.
func (m Mark) On(crm string, inputs map[string]string) bool {
	if m.Value == "" || m.CRM != "" && m.CRM != crm {
		return false
	}
	for v := range strings.SplitSeq(inputs[m.Property], ";") {
		if strings.EqualFold(strings.TrimSpace(v), m.Value) {
			return true
		}
	}
	return false
}

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
	for _, verdict := range slices.Sorted(maps.Keys(s.Verdicts)) {
		_, _ = fmt.Fprintln(d, verdict, s.Verdicts[verdict])
	}
	if s.Capacity > 0 {
		_, _ = fmt.Fprintln(d, "capacity", s.Capacity)
	}
	for i := range s.CRMs {
		if by := &s.CRMs[i].Consent; by.Property != "" {
			_, _ = fmt.Fprintf(d, "%s %q\n", s.CRMs[i].Name, *by)
		}
		if of := s.CRMs[i].Profile; len(of) > 0 {
			_, _ = fmt.Fprintf(d, "%s profile %q\n", s.CRMs[i].Name, of)
		}
	}
	if len(s.Exclude) > 0 {
		_, _ = fmt.Fprintf(d, "%q", s.Exclude)
	}
	if h := s.Fit.Hash(); h != 0 {
		_, _ = fmt.Fprintf(d, "fit %x\n", h)
	}
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

// Excludes says whether the configuration excludes whoever has an address: by itself, by its domain, or by one above that.
func (s *Setup) Excludes(address string) bool {
	if len(s.Exclude) == 0 {
		return false
	}
	_, domain, _ := strings.Cut(address, "@")
	return slices.ContainsFunc(s.Exclude, func(e string) bool {
		return e == address || identity.Within(domain, e)
	})
}

func (s *Setup) crm(name string) *CRM {
	for i := range s.CRMs {
		if s.CRMs[i].Name == name {
			return &s.CRMs[i]
		}
	}
	return nil
}

// Source is the source of a name, nil if none is configured.
func (s *Setup) Source(name string) *Source {
	for i := range s.Sources {
		if s.Sources[i].Name == name {
			return &s.Sources[i]
		}
	}
	return nil
}

// RefsNamed are the records that "hubspot/contacts/101", or an id alone, may name, in the form in which their CRM's ids are kept: people
// write some ids in more than one form.
func (s *Setup) RefsNamed(who string) (refs []connectors.Ref) {
	named, whole := connectors.ParseRef(who)
	for i := range s.CRMs {
		c := &s.CRMs[i]
		if whole && named.CRM != c.Name {
			continue
		}
		normal := func(_, id string) string { return id }
		if n, ok := c.CRM.(interface {
			NormalID(object, id string) string
		}); ok {
			normal = n.NormalID
		}
		for _, object := range c.Objects {
			switch {
			case whole && object == named.Object:
				refs = append(refs, connectors.Ref{CRM: c.Name, Object: object, ID: normal(object, named.ID)})
			case !whole:
				refs = append(refs, connectors.Ref{CRM: c.Name, Object: object, ID: normal(object, who)})
			}
		}
	}
	if whole && len(refs) == 0 {
		refs = append(refs, named) // of a CRM that is not configured any more
	}
	return refs
}

// isCustomer says whether a record is an existing customer's, by its life-cycle stage or by a field that marks them.
func (s *Setup) isCustomer(c *connectors.Contact) bool {
	if l := c.Profile.Lifecycle; l != "" && slices.Contains(s.Customers, strings.ToLower(l)) {
		return true
	}
	return slices.ContainsFunc(s.CustomerFields, func(m Mark) bool { return m.On(c.Ref.CRM, c.Fields) })
}

// targets are the CRMs that patches are brought to under a setup.
func (s *Setup) targets() []deliver.Target {
	out := make([]deliver.Target, 0, len(s.CRMs))
	for i := range s.CRMs {
		c := &s.CRMs[i]
		out = append(out, deliver.Target{Name: c.Name, CRM: c.CRM, Objects: c.Objects, Off: s.Write.Mode == WriteOff})
	}
	return out
}

// batching is who takes jobs of prompts, and the engine whose texts they are; nil if nobody does.
func (s *Setup) batching() (*batch.Vendor, intent.LaterEngine) {
	engine, ok := s.Engine.(intent.LaterEngine)
	if !ok || s.Batch == nil {
		return nil, nil
	}
	return s.Batch, engine
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
