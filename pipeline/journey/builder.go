package journey

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
	"github.com/intentd/intentd/pipeline/memo"
	"github.com/intentd/intentd/pipeline/score"
)

// skew is how far a source's clock may be ahead: an event that much in the future is dated to now, a later one left out.
const skew = 5 * time.Minute

// NewBuilder compiles c. Its error names everything that is wrong with c, each with its JSON path.
func NewBuilder(c Config) (*Builder, error) {
	if c.Strengths == (score.Strengths{}) {
		return nil, errors.New("journey: strengths: all are 0; start from Defaults")
	}
	parts, err := c.compile()
	if err != nil {
		return nil, err
	}
	rules, err := identity.New(c.Identity)
	if err != nil {
		return nil, fmt.Errorf("journey: identity: %w", err)
	}
	b := &Builder{
		rules: rules, config: c, c: parts, version: c.hash(),
		own: lower(c.OwnHosts), staff: lower(c.InternalDomains),
		drop:     make(map[string]bool, len(c.DropQueryParams)),
		crawlers: loadCrawlers(),
		agents:   memo.Memo[string, agent]{Size: 4096},
		kinds:    memo.Memo[string, string]{Size: 1024},
	}
	for i, h := range b.own {
		b.own[i] = strings.TrimPrefix(h, "www.")
	}
	b.trusted = b.own
	if len(b.own) == 0 {
		b.trusted = b.staff
	}
	for _, p := range lower(c.DropQueryParams) {
		b.drop[p] = true
	}
	for _, p := range c.Products {
		b.products = append(b.products, p.Name)
	}
	b.scratch.New = func() any { return newScratch() }
	b.steps.New = func() any { return new([]Step) }
	return b, nil
}

// Version changes whenever the same events could give another journey: by the config, by this package or by its list of
// crawlers.
func (b *Builder) Version() uint64 { return b.version }

// Build makes the journey of one person. It never fails: what cannot be used is counted in Filtered. The journey shares
// strings and property maps with in, which must not be changed afterwards.
func (b *Builder) Build(in Input) *Journey {
	s := b.scratch.Get().(*scratch)
	defer func() {
		s.reset()
		b.scratch.Put(s)
	}()
	j := &Journey{Key: in.Person.Key, Products: b.products, BySource: map[string]int{}}
	if in.Fates {
		j.Fates = make([]Fate, len(in.Events))
	}
	b.collect(s, j, &in)
	b.filter(s, j, &in)
	b.ownOnly(s, j, &in)
	withdraw(s, j, &in)
	for i := range s.items {
		if it := &s.items[i]; it.drop && it.left == "" {
			j.drop(it, WhyForeign)
		}
	}
	b.machines(s, j)
	yieldCounters(s)
	b.yieldEchoes(s)
	for i := range s.items {
		if it := &s.items[i]; it.drop {
			j.fate(it, Fate{Why: it.left, Gone: true})
		}
	}
	s.items = slices.DeleteFunc(s.items, func(it item) bool { return it.drop })
	for i := range s.items {
		it := &s.items[i]
		j.Hash += it.sum
		j.BySource[it.ev.Source]++
	}
	if n := len(s.items); n > 0 {
		j.Hash = max(j.Hash, 1)
		j.Newest = s.items[n-1].at
	}
	b.identifiers(s, j)
	b.cutSessions(s, j)
	b.count(s, j, &in)
	j.sortLeftOut()
	j.Recent = len(j.Sessions)
	recent := in.Now.Add(-b.config.RecentWindow)
	for i := range j.Sessions {
		if !j.Sessions[i].End.Before(recent) {
			j.Recent = i
			break
		}
	}
	return j
}

// collect takes the events that can be dated, each once, in order of time.
func (b *Builder) collect(s *scratch, j *Journey, in *Input) {
	oldest := in.Now.Add(-b.config.KeepHistory)
	take := func(ev *connectors.Event, of class, place int) {
		at := ev.Time
		if at.IsZero() || !ev.Received.IsZero() && at.After(ev.Received) {
			at = ev.Received
		}
		if at.Before(oldest) || at.After(in.Now.Add(skew)) { // the zero time is before anything
			j.Filtered.Outside++
			j.fate(&item{place: place}, Fate{Why: WhyOutside, Gone: true})
			return
		}
		kind := b.kind(ev.Kind)
		if of == visitor {
			of = classOf(ev, kind)
		}
		it := item{ev: ev, kind: kind, at: at, sum: s.eventSum(ev, at), class: of, place: place}
		key := it.sum
		if ev.ID != "" {
			s.buf = appendAll(s.buf[:0], ev.Source, ev.ID)
			key = xxhash.Sum64(s.buf)
		}
		if i, ok := s.seen[key]; ok {
			j.Filtered.Duplicates++
			// Whichever copy came first, the same one is kept.
			if old := &s.unsorted[i]; at.Before(old.at) || at.Equal(old.at) && it.sum < old.sum {
				*old, it = it, *old
			}
			j.fate(&it, Fate{Why: WhyTwice, Gone: true})
			return
		}
		s.seen[key] = int32(len(s.unsorted))
		s.unsorted = append(s.unsorted, it)
	}
	for i := range in.Events {
		take(&in.Events[i], visitor, i)
	}
	for i := range in.Company {
		take(&in.Company[i], company, -1)
	}
	clear(s.seen)
	for i := range s.unsorted {
		s.order = append(s.order, moment{s.unsorted[i].at.UnixNano(), int32(i)})
	}
	slices.SortFunc(s.order, func(a, b moment) int {
		if a.at != b.at {
			return cmp.Compare(a.at, b.at)
		}
		x, y := &s.unsorted[a.i], &s.unsorted[b.i]
		return cmp.Or(cmp.Compare(x.ev.Source, y.ev.Source), cmp.Compare(x.ev.ID, y.ev.ID), cmp.Compare(x.sum, y.sum))
	})
	for _, o := range s.order {
		s.items = append(s.items, s.unsorted[o.i])
	}
	for i := range s.items {
		it := &s.items[i]
		if it.at.After(in.Now) {
			it.at = in.Now
		}
		it.id = it.ev.ID
		switch {
		case it.id == "":
			it.id = "x" + strconv.FormatUint(it.sum, 36)
		case len(it.id) > maxID || !plain(it.id, maxID):
			it.id = clean(it.id, maxID-16) + "~" + strconv.FormatUint(xxhash.Sum64String(it.id), 36)
		}
		if _, taken := s.ids[it.id]; taken { // two sources, one id
			it.id = cut(it.ev.Source, 32) + ":" + it.id
		}
		s.ids[it.id] = int32(i)
		if ev := it.ev; ev.URL != "" || ev.PageTitle != "" {
			it.page = b.page(ev.URL, ev.PageTitle)
		}
	}
}

// kind is what connectors.EventKind reads a name as. Sites have few names, and reading one of nobody's is dear.
func (b *Builder) kind(name string) string {
	if len(name) > maxName {
		kind, _ := connectors.EventKind(name)
		return kind
	}
	if kind, ok := b.kinds.Get(name); ok {
		return kind
	}
	name = strings.Clone(name) // not to hold a source's whole answer
	kind, _ := connectors.EventKind(name)
	b.kinds.Put(name, kind)
	return kind
}

func classOf(ev *connectors.Event, kind string) class {
	switch kind {
	case connectors.KindTeamActivity, connectors.KindEmailDelivered:
		return team
	case connectors.KindEmailOpen:
		return opened
	}
	nobodys := ev.OfNobody()
	switch t, _ := score.ParseType(kind); {
	case t == score.Funding, t == score.JobPosting, t == score.TechChange && nobodys, nobodys && ev.Properties[connectors.PropCompany] != "":
		return company
	}
	return visitor
}

// filter drops what must not be counted at all: without consent, of own staff, of crawlers, on sensitive pages.
func (b *Builder) filter(s *scratch, j *Journey, in *Input) {
	staff := false
	for _, e := range in.Person.Emails {
		staff = staff || b.isStaff(e)
	}
	for i := range s.items {
		it := &s.items[i]
		ev := it.ev
		it.agent = b.agent(ev.UserAgent)
		it.withdraws = it.kind == connectors.KindConsent && ev.Withdraws()
		switch {
		case it.withdraws:
		case strings.EqualFold(ev.Consent, "denied"):
			j.drop(it, WhyNoConsent)
		case staff || isInternal(ev.Properties) || it.personal() && b.isStaff(ev.Email) ||
			it.page != nil && it.page.internal || b.isInternalIP(ev.IP):
			j.drop(it, WhyStaff)
		case b.isBot(it):
			j.drop(it, WhyBot)
			if it.kind == connectors.KindEmailClick {
				s.gateways = append(s.gateways, int32(i))
			}
		case it.page != nil && it.page.sensitive:
			j.drop(it, WhySensitive)
		}
	}
}

// isInternal says whether a tracker marks the event as own staff's.
func isInternal(p map[string]string) bool {
	var buf [32]byte
	for k, v := range p {
		if len(k) > len(buf) || len(v) > 16 {
			continue
		}
		switch string(mark(k, &buf)) {
		case "internal", "isinternal", "internaluser", "isinternaluser", "internaltraffic", "isemployee", "isstaff", "isteammember":
			if isYes(v) {
				return true
			}
		case "traffictype": // GA4's
			switch strings.ToLower(v) {
			case "internal", "developer":
				return true
			}
		}
	}
	return false
}

func (b *Builder) isStaff(email string) bool {
	if len(b.staff) == 0 || email == "" {
		return false
	}
	at := strings.LastIndexByte(email, '@')
	return at >= 0 && withinAny(strings.ToLower(strings.TrimSpace(email[at+1:])), b.staff)
}

func (b *Builder) isInternalIP(ip string) bool {
	if len(b.c.ips) == 0 || ip == "" {
		return false
	}
	a, err := netip.ParseAddr(strings.TrimSpace(ip))
	if err != nil {
		return false
	}
	a = a.Unmap().WithZone("")
	return slices.ContainsFunc(b.c.ips, func(p netip.Prefix) bool { return p.Contains(a) })
}

func (b *Builder) agent(raw string) agent {
	if raw == "" {
		return agent{}
	}
	raw = cut(raw, maxAgent)
	if a, ok := b.agents.Get(raw); ok {
		return a
	}
	raw = strings.Clone(raw) // not to hold a source's whole answer
	a := agent{b.crawlers.match(raw) || looksMachine(raw), isMailProgram(raw), clean(raw, maxAgent)}
	b.agents.Put(raw, a)
	return a
}
