package journey

import (
	_ "embed"
	"slices"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
)

// Machines in a human's clothes. Some own up to it by their user agent or by a property; those that do not are known by their pace:
// more events a minute than a person makes, the links of a mail opened faster than a person reads, one page at regular intervals.

// machines drops what machines did that did not own up to it.
func (b *Builder) machines(s *scratch, j *Journey) {
	b.floods(s, j)
	b.scanners(s, j)
	b.prefetches(s, j)
	b.monitors(s, j)
}

// mailPrograms load the pictures of a mail when a person reads it; what they do elsewhere is still a machine's.
var mailPrograms = []string{"GoogleImageProxy", "YahooMailProxy", "Microsoft Office", "Microsoft Outlook", "ms-office", "MSOffice", "Thunderbird"}

func isMailProgram(agent string) bool {
	return slices.ContainsFunc(mailPrograms, func(p string) bool { return strings.Contains(agent, p) })
}

// isBot says whether a machine owned up to the event. Opens and clicks of mails that the vendor marks stay as steps; see byKind.
func (b *Builder) isBot(it *item) bool {
	if it.agent.crawler {
		return it.kind != connectors.KindEmailOpen || !it.agent.mail
	}
	return it.ev.Properties[connectors.PropBot] == "true" || it.kind != connectors.KindEmailOpen && it.kind != connectors.KindEmailClick && ownsUp(it.ev)
}

// appleMail is the user agent under which Apple's privacy protection loads every picture of a mail, read or not. Elsewhere it says
// nothing: those who cut agents short write it, too.
const appleMail = "Mozilla/5.0"

// looksMachine says whether an agent calls itself compatible with a browser, as machines do and of the browsers only two, or is neither a
// browser's nor an app's and names what machines do.
func looksMachine(agent string) bool {
	if _, name, ok := strings.Cut(agent, "(compatible; "); ok && !strings.HasPrefix(name, "MSIE") && !strings.HasPrefix(name, "Konqueror") {
		return true
	}
	return !strings.HasPrefix(agent, "Mozilla/") && !strings.HasPrefix(agent, "Opera/") && !hasAny(agent, "CFNetwork", "Darwin", "Dalvik", "Android", "iOS", "iPhone", "iPad") &&
		hasAny(strings.ToLower(agent), "http", "curl", "url", "uri client", "preview", "webhook", "scheduler", "crypto", "office", "jmeter", "render", "checker", "audit", "security", "scan", "monitor", "fetch", "validator", "probe", "rest-client")
}

// floods drops the events of every minute in which one source saw more of them than a person can make.
func (b *Builder) floods(s *scratch, j *Journey) {
	limit := b.config.EventsPerMinute
	if len(s.items) <= limit {
		return
	}
	of := make(map[string][]int32, 2)
	for i := range s.items {
		if it := &s.items[i]; !it.drop && it.class == visitor {
			of[it.ev.Source] = append(of[it.ev.Source], int32(i))
		}
	}
	for _, seq := range of {
		first := 0
		marked := 0 // seq[:marked] has been looked at
		for last := range seq {
			for s.items[seq[last]].at.Sub(s.items[seq[first]].at) >= time.Minute {
				first++
			}
			if last-first+1 <= limit {
				continue
			}
			for k := max(first, marked); k <= last; k++ {
				j.drop(&s.items[seq[k]], WhyFlood)
			}
			marked = last + 1
		}
	}
}

// What nobody's hand does: to open two links of a mail within a second, or so many pages within two.
const (
	blink       = time.Second
	glance      = 2 * time.Second
	glancePages = 6
	// rendering is how long a gateway may take to load the page of a link that it opened.
	rendering = time.Minute
)

// prefetches drops the views of pages that were loaded all at once, ahead of somebody who might want one. Where the views are of one
// moment, on a minute, the source tells no seconds, and nothing about pace.
func (b *Builder) prefetches(s *scratch, j *Journey) {
	views := s.views[:0]
	for i := range s.items {
		if it := &s.items[i]; !it.drop && it.class == visitor && it.kind == connectors.KindPageView && it.page != nil && it.page.path != "" {
			views = append(views, int32(i))
		}
	}
	s.views = views
	first := 0
	for last := range views {
		for s.items[views[last]].at.Sub(s.items[views[first]].at) > glance {
			first++
		}
		if last-first+1 < glancePages || s.items[views[first]].at.Equal(s.items[views[last]].at) && s.items[views[last]].at.Second() == 0 {
			continue
		}
		run, pages := views[first:last+1], 0
		for k, i := range run {
			if !slices.ContainsFunc(run[:k], func(o int32) bool { return s.items[o].page.key == s.items[i].page.key }) {
				pages++
			}
		}
		if pages < glancePages {
			continue
		}
		for _, i := range run {
			if it := &s.items[i]; !it.drop {
				j.drop(it, WhyFlood)
			}
		}
	}
}

// scanners drops what mail gateways did: they open the links of a mail within seconds, with an ordinary browser's agent, and so load
// the pages behind them. It is a burst if a campaign's links are opened faster than a person reads, or one among them that nobody
// opens who wants something, or one sooner after the mail's delivery than a person has read it.
func (b *Builder) scanners(s *scratch, j *Journey) {
	pace := time.Duration(b.config.MachineSeconds) * time.Second
	for _, i := range s.gateways {
		b.dropPages(s, j, s.items[i].at, s.items[i].at.Add(rendering), s.items[i].page)
	}
	var links []int32 // of all campaigns
	for i := range s.items {
		it := &s.items[i]
		if it.drop || it.class != visitor || !isLink(it) && (it.kind != connectors.KindPageView || campaign(it.ev) == "") {
			continue
		}
		if it.kind == connectors.KindEmailClick && justDelivered(s, i, pace) {
			b.dropRun(s, j, []int32{int32(i)}, pace)
			continue
		}
		links = append(links, int32(i))
	}
	for len(links) > 1 {
		camp := mailing(s.items[links[0]].ev)
		var rest, run []int32
		for _, i := range links {
			it := &s.items[i]
			switch {
			case mailing(it.ev) != camp:
				rest = append(rest, i)
				continue
			case len(run) > 0 && it.at.Sub(s.items[run[len(run)-1]].at) > pace:
				b.scan(s, j, run, pace)
				run = run[:0]
			}
			run = append(run, i)
		}
		b.scan(s, j, run, pace)
		links = rest
	}
}

// justDelivered says whether the mail that the link at i is of was delivered less than pace before.
func justDelivered(s *scratch, i int, pace time.Duration) bool {
	it := &s.items[i]
	for k := i - 1; k >= 0 && it.at.Sub(s.items[k].at) < pace; k-- {
		if o := &s.items[k]; o.kind == connectors.KindEmailDelivered && mailing(o.ev) == mailing(it.ev) {
			return true
		}
	}
	return false
}

// isLink says whether the event is the opening of a link in a mail: a click that the mail's sender saw, or a landing that tells so.
func isLink(it *item) bool {
	if it.kind != connectors.KindPageView {
		return it.kind == connectors.KindEmailClick && !marked(it.ev)
	}
	_, query, _ := strings.Cut(strings.ToLower(it.ev.URL), "?")
	for param := range strings.SplitSeq(query, "&") {
		switch name, value, _ := strings.Cut(param, "="); name {
		case "utm_medium", "utm_source", "mtm_medium", "mtm_source", "pk_medium", "pk_source":
			if strings.HasPrefix(value, "email") || strings.HasPrefix(value, "e-mail") || strings.HasPrefix(value, "newsletter") || strings.HasPrefix(value, "mail") || strings.HasSuffix(value, "_email") {
				return true
			}
		case "_hsenc", "_hsmi", "mc_cid", "mc_eid", "mkt_tok", "elqtrackid", "sfmc_sub", "vgo_ee", "ck_subscriber_id":
			return true
		}
	}
	return false
}

// mailing is the mail that a link is of, as far as an event tells.
func mailing(ev *connectors.Event) string {
	return firstOf(campaign(ev), ev.Properties["subject"])
}

// scan drops run, openings of links of one mail without a longer pause than pace, if they are a burst.
func (b *Builder) scan(s *scratch, j *Journey, run []int32, pace time.Duration) {
	if len(run) > 1 && b.isBurst(s, run, pace) {
		b.dropRun(s, j, run, pace)
	}
}

// dropRun drops run and all that it brought: pages that were loaded, and the opening of the mail.
func (b *Builder) dropRun(s *scratch, j *Journey, run []int32, pace time.Duration) {
	from, to := s.items[run[0]].at, s.items[run[len(run)-1]].at.Add(pace)
	camp := mailing(s.items[run[0]].ev)
	for _, i := range run {
		j.drop(&s.items[i], WhyScanner)
	}
	b.dropPages(s, j, from.Add(-glance), to, nil)
	for _, i := range run {
		if p := s.items[i].page; p != nil {
			b.dropPages(s, j, to, s.items[i].at.Add(rendering), p)
		}
	}
	for i := range s.items {
		it := &s.items[i]
		if !it.drop && it.kind == connectors.KindEmailOpen && !it.at.Before(from.Add(-pace)) && it.at.Before(to) && mailing(it.ev) == camp {
			j.drop(it, WhyScanner)
		}
	}
}

// isBurst says whether two different links were clicked within a blink, and counts within pace: links that are different ones; the same ones again, twice as many; and pages that only carry the
// campaign, as all of a visit may, twice as many different ones.
func (b *Builder) isBurst(s *scratch, run []int32, pace time.Duration) bool {
	few, many := b.config.MachineLinks, 2*b.config.MachineLinks
	first, footer := 0, false
	for last := range run {
		it := &s.items[run[last]]
		footer = footer || isLink(it) && b.footerLink(it) != ""
		for it.at.Sub(s.items[run[first]].at) > pace {
			first++
		}
		for k := last - 1; k >= 0 && it.at.Sub(s.items[run[k]].at) <= blink; k-- {
			if o := &s.items[run[k]]; o.kind == connectors.KindEmailClick && it.kind == o.kind && !sameLink(it, o) {
				return true
			}
		}
		if links, different, all := tally(s, run[first:last+1]); different >= few || links >= many || all >= many {
			return true
		}
	}
	_, different, _ := tally(s, run)
	return footer && different > 1
}

// tally counts the links of a run, how many of them are different ones, and how many different ones there are with the pages that
// only carry the campaign. A click and the landing that it leads to are one.
func tally(s *scratch, run []int32) (links, different, all int) {
	for k, i := range run {
		it := &s.items[i]
		fresh := !slices.ContainsFunc(run[:k], func(o int32) bool { return sameLink(it, &s.items[o]) })
		if fresh {
			all++
		}
		if !isLink(it) {
			continue
		}
		links++
		if fresh || !slices.ContainsFunc(run[:k], func(o int32) bool { return isLink(&s.items[o]) && sameLink(it, &s.items[o]) }) {
			different++
		}
	}
	return links, different, all
}

func sameLink(a, b *item) bool {
	if a.page == nil || b.page == nil {
		return a.page == nil && b.page == nil && a.ev.ElementText+a.ev.ElementID == b.ev.ElementText+b.ev.ElementID && a.ev.ElementText+a.ev.ElementID != ""
	}
	if a.page.key != b.page.key {
		return false
	}
	return a.kind != b.kind || a.ev.ElementText == b.ev.ElementText && a.ev.ElementID == b.ev.ElementID
}

// dropPages drops what was seen of pages from a moment on until another, of one page or of all. A visit that had begun before is a
// person's, who happened to be there.
func (b *Builder) dropPages(s *scratch, j *Journey, from, to time.Time, only *page) {
	for i := range s.items {
		it := &s.items[i]
		if it.at.Before(from) {
			continue
		}
		if !it.at.Before(to) {
			return
		}
		switch it.kind {
		case connectors.KindPageView, connectors.KindVisit, connectors.KindClick, connectors.KindScroll, connectors.KindDwell, connectors.KindVideo:
			if !it.drop && it.class == visitor && (only == nil || it.page != nil && it.page.key == only.key) && !b.visiting(s, it, from) {
				j.drop(it, WhyScanner)
			}
		}
	}
}

// visiting says whether the visit that it belongs to had begun before a moment.
func (b *Builder) visiting(s *scratch, it *item, before time.Time) bool {
	visit, _ := b.rules.ID(identity.AnonymousID, "", it.ev.Session)
	id, anon := visit.Value, it.anon
	if id == "" && anon == (identity.ID{}) {
		return false
	}
	for i := range s.items {
		o := &s.items[i]
		if !o.at.Before(before) {
			return false
		}
		if o.drop || o.class != visitor || o.ev.Source != it.ev.Source || before.Sub(o.at) > b.config.SessionGap {
			continue
		}
		if id != "" && o.ev.Session == it.ev.Session || id == "" && o.anon == anon {
			return true
		}
	}
	return false
}

// What makes views of one page a monitor's: so many, for so long or so often, at so even intervals.
const (
	monitorViews = 7
	monitorSpan  = 24 * time.Hour
	monitorMany  = 24
	// A page seen so long without a pause to sleep is a monitor's, however uneven.
	sleepless = 36 * time.Hour
	sleep     = 5 * time.Hour
)

// monitors drops the views of a page at regular intervals over days: watching of one's own site, a tab that reloads itself.
func (b *Builder) monitors(s *scratch, j *Journey) {
	if len(s.items) < monitorViews {
		return
	}
	isView := func(it *item) bool {
		return !it.drop && it.class == visitor && it.kind == connectors.KindPageView && it.page != nil && it.page.path != ""
	}
	for i := range s.items {
		if it := &s.items[i]; isView(it) {
			s.seen[it.page.key]++
		}
	}
	of := map[uint64][]int32{}
	for i := range s.items {
		if it := &s.items[i]; isView(it) && s.seen[it.page.key] >= monitorViews {
			of[it.page.key] = append(of[it.page.key], int32(i))
		}
	}
	clear(s.seen)
	for _, seq := range of {
		even := evenly(s, seq)
		span := func(k []int32) time.Duration { return s.items[k[len(k)-1]].at.Sub(s.items[k[0]].at) }
		if len(even) < monitorViews || len(even) < monitorMany && span(even) < monitorSpan || 10*len(even) < 6*len(seq) {
			dropSleepless(s, j, seq)
			continue
		}
		for _, i := range even {
			j.drop(&s.items[i], WhyMonitor)
		}
	}
}

// dropSleepless drops runs of views of a page that are longer than anybody stays awake.
func dropSleepless(s *scratch, j *Journey, seq []int32) {
	first := 0
	for k := range seq {
		if k+1 < len(seq) && s.items[seq[k+1]].at.Sub(s.items[seq[k]].at) <= sleep {
			continue
		}
		if s.items[seq[k]].at.Sub(s.items[seq[first]].at) >= sleepless {
			for _, i := range seq[first : k+1] {
				j.drop(&s.items[i], WhyMonitor)
			}
		}
		first = k + 1
	}
}

// evenly picks from seq, which is in order of time, what stands at the most common interval from another.
func evenly(s *scratch, seq []int32) (even []int32) {
	gaps := make([]time.Duration, 0, len(seq)-1)
	for k := 1; k < len(seq); k++ {
		if d := s.items[seq[k]].at.Sub(s.items[seq[k-1]].at); d >= 10*time.Second {
			gaps = append(gaps, d)
		}
	}
	if len(gaps) == 0 {
		return nil
	}
	slices.Sort(gaps)
	// The interval whose tolerance holds the most gaps.
	most, interval := 0, time.Duration(0)
	for first, last := 0, 0; first < len(gaps); first++ {
		for last < len(gaps) && gaps[last]-gaps[first] <= 2*tolerance(gaps[first]) {
			last++
		}
		if last-first > most {
			most, interval = last-first, gaps[(first+last-1)/2]
		}
	}
	near := func(at time.Time) bool {
		_, found := slices.BinarySearchFunc(seq, at, func(i int32, at time.Time) int {
			switch d := s.items[i].at.Sub(at); {
			case d < -tolerance(interval):
				return -1
			case d > tolerance(interval):
				return 1
			}
			return 0
		})
		return found
	}
	for _, i := range seq {
		if at := s.items[i].at; near(at.Add(interval)) || near(at.Add(-interval)) {
			even = append(even, i)
		}
	}
	return even
}

// tolerance is how far a machine's clock strays: a fiftieth, from 3 s to a minute. People are not that punctual.
func tolerance(interval time.Duration) time.Duration {
	return min(max(interval/50, 3*time.Second), time.Minute)
}
