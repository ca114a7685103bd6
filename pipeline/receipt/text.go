package receipt

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/score"
)

// TextOptions say how a receipt is printed.
type TextOptions struct {
	Location *time.Location // time zone of the dates; nil: UTC
	Width    int            // columns of the terminal; below 80: 100
}

// Text prints the receipt for a terminal: who, the score with the rule of its tier, the parts with what went into each, every
// signal, topic and sentence, what comes next, what was left out, and a check of the receipt itself. Lines keep to the width where
// words allow it. The error is w's.
func (r *Receipt) Text(w io.Writer, o TextOptions) error {
	p := page{r: r, loc: o.Location, width: o.Width}
	if p.loc == nil {
		p.loc = time.UTC
	}
	if p.width < 80 {
		p.width = 100
	}
	p.who()
	p.score()
	p.parts()
	p.signals()
	p.topics()
	p.texts()
	p.forecast()
	p.quality()
	p.written()
	p.check()
	_, err := w.Write(p.Bytes())
	return err
}

// changes are the gate's reasons that name what differs from the last write.
var changes = []string{
	score.ReasonTier, score.ReasonProduct, score.ReasonStage, score.ReasonTopics, score.ReasonTrend, score.ReasonScore,
}

func (p *page) who() {
	r := p.r
	p.title("Person", r.Person)
	refs := make([]string, len(r.Refs))
	for i, ref := range r.Refs {
		refs[i] = ref.String()
	}
	p.entry("records", cmp.Or(strings.Join(refs, ", "), "none"))
	p.links()
	p.proposals()
	p.entry("scored", p.moment(r.At))
	switch {
	case r.Reason == "":
	case r.Reason == score.ReasonFirst:
		p.entry("because", "never written before")
	case r.Reason == score.ReasonVerdict:
		p.entry("because", "what a rep's verdict decides changed since the last write")
	case slices.Contains(changes, r.Reason), r.Reason == score.ReasonFit:
		p.entry("because", r.Reason+" changed since the last write")
	default: // a sentence of its own: not written, asked for, better texts
		p.entry("because", r.Reason)
	}
	versions := "formula " + r.Formula
	if e := r.Settings.Engine(); e != score.EngineFormula {
		versions += ", engine " + e
	}
	if r.Intent.Engine != "" {
		versions += ", texts by " + r.Intent.Engine
	}
	if r.Intent.Prompt != "" {
		versions += ", prompt " + r.Intent.Prompt
	}
	p.entry("versions", versions)
}

func (p *page) score() {
	r := p.r
	if !r.Parts.Known {
		p.title("Score", "none: no signal was ever seen")
		return
	}
	p.title("Score", score.FormatTenths(r.Parts.Score)+"  "+r.Tier.String())
	p.entry("rule", p.rule())
	if r.Previous.Known {
		p.entry("before", score.FormatTenths(r.Previous.Score)+" "+r.Previous.Tier.String())
	} else {
		p.entry("before", "no score")
	}
	p.entry("since", p.date(r.Since())+", when "+r.Tier.String()+" was entered")
	if r.Verdict != "" {
		p.entry("verdict", p.verdict())
	}
	if r.Graded {
		p.entry("fit", p.fit())
	}
	p.entry("stage", r.Stage.String())
	p.entry("trend", cmp.Or(r.Trend.String(), "none"))
	if r.Product != "" {
		product := r.Product
		if r.Interest != score.InterestNone {
			product += ", interest " + r.Interest.String()
		}
		p.entry("product", product)
	}
}

// fit tells the grade with the rules that gave points, and what no record says anything of.
func (p *page) fit() string {
	f := &p.r.Fit
	text := "no grade: the CRM says nothing that a rule of fit asks for"
	if f.Grade != "" {
		text = fmt.Sprintf("%s by %d points, which are no part of the score", cmp.Or(f.Shown(p.r.Tier, p.r.Combined), f.Grade), f.Points)
	}
	for i, l := range f.Rules {
		sep := ", "
		if i == 0 {
			sep = ": "
		}
		text += fmt.Sprintf("%s%s %q %+d", sep, l.Property, l.Value, l.Points)
	}
	if len(f.Missing) > 0 {
		text += "; not known: " + strings.Join(f.Missing, ", ")
	}
	return text
}

// rule tells why the tier is what it is, with the numbers it was decided by.
func (p *page) rule() string {
	r, s := p.r, &p.r.Settings
	thresholds := fmt.Sprintf("medium from %s, high from %s, each with its evidence", points(s.Medium), points(s.HighFrom(&r.Features)))
	if c := &r.Features.Capacity; c.Cut > s.High {
		whose := "this owner"
		if len(c.Owners) == 0 {
			whose = "people whom nobody owns"
		}
		thresholds += fmt.Sprintf(" for %s since %s (scoring.capacity; %s before)", whose, p.date(time.Unix(c.Since, 0)), points(s.High))
	}
	switch r.Rule {
	case score.ByHandRaise:
		if i := r.raised(); i >= 0 {
			at := time.Unix(r.Features.Signals[i].At, 0)
			return fmt.Sprintf("hand-raise on %s (%s): high for %d days whatever the score", p.date(at), cmp.Or(r.Line(i).Kind, r.Features.Signals[i].Type.String()),
				s.HandRaiseDays)
		}
	case score.ByHysteresis:
		limit := s.Medium
		if r.Tier == score.High {
			limit = s.HighFrom(&r.Features)
		}
		return fmt.Sprintf("held: %s is kept until the score is below %s; %s", r.Tier, points(limit-s.Margin), thresholds)
	case score.ByEvidence:
		return "the score is enough for more, but the evidence is not there yet; " + thresholds
	case score.ByCapacity:
		return "the score and the evidence are enough for high, but it begins higher here; " + thresholds
	case score.ByVerdict:
		return "set aside by a rep until " + p.date(time.Unix(r.Features.AsideUntil, 0)) + ": " + verdictWords(r.Verdict) + "; low whatever the score, unless they ask for something"
	case score.ByStrength:
		return fmt.Sprintf("the score was enough for high, but the strongest signal had %d", r.Parts.Base)
	case score.ByModel:
		return "the model's word (engine: model); the score is the formula's"
	}
	return thresholds
}

// verdict tells what a rep said, and for how long it sets the person aside.
func (p *page) verdict() string {
	r := p.r
	said := verdictWords(r.Verdict)
	if r.Features.SetAside == 0 {
		return said + ": sets nobody aside now"
	}
	said += fmt.Sprintf(" since %s, aside until %s", p.date(time.Unix(r.Features.SetAside, 0)), p.date(time.Unix(r.Features.AsideUntil, 0)))
	if r.Rule != score.ByVerdict {
		said += ", lifted by a later request"
	}
	return said
}

// verdictWords is a verdict as people read it.
func verdictWords(verdict string) string { return strings.ReplaceAll(Clean(verdict), "_", " ") }

func (p *page) parts() {
	r := p.r
	if !r.Parts.Known {
		return
	}
	if r.Settings.Additive != nil {
		p.learned()
		return
	}
	p.title("Parts", "")
	p.line("  %-10s %9s %8s %8s   %s", "", "component", "weight", "points", "from")
	row := func(name string, part score.Part, from string) {
		p.line("  %-10s %9s %8s %8s   %s", name, score.FormatTenths(part.Component), thousandths(part.Weight), score.FormatTenths(part.Contribution), from)
	}
	row("how much", r.Parts.Volume, fmt.Sprintf("%s in %d days, full at %d", count(r.Parts.Signals, "signal", "signals"), r.Settings.WindowDays, r.Settings.MaxActivity))
	if r.Parts.Days >= 0 {
		row("how lately", r.Parts.Recency, fmt.Sprintf("newest signal %s, %s earlier, time constant %s days", p.date(time.Unix(r.Parts.Newest, 0)),
			count(r.Parts.Days, "day", "days"), strconv.FormatFloat(r.Settings.TimeConstantDays, 'g', 4, 64)))
	} else {
		row("how lately", r.Parts.Recency, "no signal that sets it (opens and company news do not)")
	}
	row("how strong", r.Parts.Topics, p.topicSum())
	p.line("  %-10s %9s %8s %8s", "score", "", "", score.FormatTenths(r.Parts.Score))
}

// learned tells the parts of a score by a learned model: what everybody begins with, the points of each term, the cut to 0 … 100, and the probability that goes with them.
func (p *page) learned() {
	r, terms := p.r, p.r.Settings.Additive.Terms
	p.title("Parts", "learned from outcomes: a value, as it is learned from, times its points")
	row := func(name, value, times string, tenths int) {
		p.line("  %s %9s %8s %8s", Pad(name, 44), value, times, score.FormatTenths(tenths))
	}
	p.line("  %s %9s %8s %8s", Pad("", 44), "value", "each", "points")
	row("everybody begins with", "", "", r.Parts.Offset)
	for _, x := range slices.SortedStableFunc(slices.Values(r.Points), func(a, b score.Points) int { return max(b.Tenths, -b.Tenths) - max(a.Tenths, -a.Tenths) }) {
		if x.Term >= 0 && x.Term < len(terms) {
			name := terms[x.Term].Feature.String()
			if terms[x.Term].Form == score.Log {
				name += " (ln)"
			}
			row(Clean(name), strconv.FormatFloat(float64(x.Value), 'f', 2, 32), strconv.FormatFloat(terms[x.Term].Slope, 'f', 2, 64), x.Tenths)
		}
	}
	if r.Parts.Clamp != 0 {
		row("kept within 0 and 100", "", "", r.Parts.Clamp)
	}
	row("score", "", "", r.Parts.Score)
	if x, ok := r.Settings.Probability(&r.Parts); ok {
		p.entry("chance", fmt.Sprintf("%.0f %% that they buy, by the same model; it is no part of the score", 100*x))
	}
}

func (p *page) topicSum() string {
	r := p.r
	if r.Parts.Signals == 0 {
		return "no signal in the window"
	}
	from := fmt.Sprintf("strongest signal %d", r.Parts.Base)
	if i := r.strongest(); i >= 0 && r.Line(i).Act != "" {
		from += " (" + strings.ReplaceAll(string(r.Line(i).Act), "_", " ") + ")"
	}
	sum := 0
	for _, t := range r.Scoring() {
		from += fmt.Sprintf(", %s %+d", Clean(t.Name), t.Points)
		sum += int(t.Points)
	}
	if sum != r.Parts.Bonus {
		from += fmt.Sprintf(" (held to %+d)", r.Parts.Bonus)
	}
	if r.Parts.Interest != 0 {
		from += fmt.Sprintf(", interest %+d", r.Parts.Interest)
	}
	return from
}

func (p *page) signals() {
	r := p.r
	in := 0
	for i := range r.Features.Signals {
		if r.Counts(i) {
			in++
		}
	}
	if len(r.Features.Signals) == 0 {
		p.title("Signals", "none")
		return
	}
	summary := fmt.Sprintf("%d in the window", in)
	if out := len(r.Features.Signals) - in; out > 0 {
		summary += fmt.Sprintf(", %d outside (*)", out)
	}
	p.title("Signals", summary)
	idWidth := 5
	for i := range r.Signals {
		idWidth = max(idWidth, utf8.RuneCountInString(Clean(r.Signals[i].EventID)))
	}
	idWidth = min(idWidth, 36)
	object := max(20, p.width-2-17-2-14-2-8-2-2-idWidth-2)
	p.line("  %-17s  %-14s  %8s  %s  %s", "time", "type", "strength", Pad("object", object), "event")
	for i := len(r.Features.Signals) - 1; i >= 0; i-- { // newest first
		s, line := &r.Features.Signals[i], r.Line(i)
		what := line.Object
		if line.Title != "" && line.Title != line.Object {
			what += " " + quoted(line.Title)
		}
		mark := ""
		if !r.Counts(i) {
			mark = " *"
		}
		p.line("  %-17s  %-14s  %8d  %s  %s%s", time.Unix(s.At, 0).In(p.loc).Format("2 Jan 2006 15:04"), s.Type, s.Strength,
			Pad(Clean(what), object), cut(Clean(line.EventID), idWidth), mark)
	}
}

func (p *page) topics() {
	r := p.r
	if len(r.Topics) == 0 {
		return
	}
	p.title("Topics", "")
	p.line("  %s  %s  %-4s  %-7s  %6s  %s", Pad("read about", 28), Pad("matches", 28), "side", "how", "points", "counted")
	for i := range r.Topics {
		t := &r.Topics[i]
		side, counted := "loss", "no"
		if t.Win {
			side = "win"
		}
		if t.Counted {
			counted = "yes"
		}
		p.line("  %s  %s  %-4s  %-7s  %+6d  %s", Pad(Clean(t.Journey), 28), Pad(Clean(t.Configured), 28), side, t.How, t.Points, counted)
	}
}

// texts are those that the CRM shows as of the receipt's moment and tier.
func (p *page) texts() {
	headline, sentences, next := p.r.Intent.At(p.r.At, p.r.Tier)
	if headline.Text == "" && len(sentences) == 0 && next.Text == "" {
		return
	}
	p.title("Texts", "")
	p.sentence("headline", headline)
	for i, s := range sentences {
		name := "summary"
		if i > 0 {
			name = ""
		}
		p.sentence(name, s)
	}
	p.sentence("next step", next)
}

func (p *page) sentence(name string, s intent.Sentence) {
	if s.Text == "" {
		return
	}
	cites := "(cites nothing: not shown)"
	if len(s.Cites) > 0 {
		cites = "[" + strings.Join(s.Cites, " ") + "]"
	}
	p.entry(name, s.Text+" "+cites)
}

func (p *page) forecast() {
	r := p.r
	if !r.Parts.Known {
		return
	}
	f := &r.Forecast
	switch {
	case !f.CoolsOn.IsZero() && f.Below > 0:
		p.title("Forecast", fmt.Sprintf("leaves %s on %s, below %s, unless they do something new", r.Tier, p.date(f.CoolsOn), points(f.Below)))
	case !f.CoolsOn.IsZero():
		p.title("Forecast", fmt.Sprintf("leaves %s on %s unless they do something new", r.Tier, p.date(f.CoolsOn)))
	default:
		p.title("Forecast", "stays "+r.Tier.String())
	}
	if !f.Due.IsZero() {
		p.entry("next look", p.date(f.Due))
	}
}

func (p *page) quality() {
	r := p.r
	p.title("Left out", cmp.Or(strings.Join(p.leftOut(), ", "), "nothing"))
	if len(r.Stale) > 0 {
		p.entry("stale", "no data from "+strings.Join(r.Stale, ", ")+": the score rests on what was said before")
	}
	if r.Provisional {
		p.entry("texts", "provisional, the rules': the model's follow, highest scores first, within the day's budget")
	}
	for _, d := range r.Degraded {
		p.entry("degraded", d)
	}
	if r.Intent.Degraded != "" && len(r.Degraded) == 0 {
		p.entry("degraded", r.Intent.Degraded)
	}
	u := r.Intent.Usage
	if u == (connectors.Usage{}) {
		p.title("Model", "not asked, no cost")
		return
	}
	tokens := fmt.Sprintf("%d tokens in, %d out", u.In, u.Out)
	if u.Thoughts > 0 {
		tokens += fmt.Sprintf(", %d thought", u.Thoughts)
	}
	if u.Cached > 0 {
		tokens += fmt.Sprintf(", %d of the input cached", u.Cached)
	}
	p.title("Model", fmt.Sprintf("%s, %s, %d.%06d USD", count(u.Calls, "call", "calls"), tokens, u.MicroUSD/1e6, u.MicroUSD%1e6))
}

// leftOutWords tell why events did not count; what is not in it is told by its own word.
var leftOutWords = map[string]string{
	journey.WhyBot: "by bots", journey.WhyFlood: "more a minute than a person makes", journey.WhyScanner: "by a mail scanner", journey.WhyMonitor: "by monitoring of the page",
	journey.WhyStaff: "by own staff", journey.WhyCustomer: "by a customer", journey.WhyExcluded: "on excluded pages", journey.WhyForm: "of a form that is no request", journey.WhySensitive: "on sensitive pages",
	journey.WhyForeign: "of somebody else", journey.WhyFooter: "on links of a mail's footer", journey.WhyUnsubscribed: "unsubscribing", journey.WhyAutoReply: "automatic reply",
	journey.WhyRefused: "reply that says no", journey.WhyUnknown: "of a kind that no rule types", journey.WhyColleague: "by somebody else of the company",
}

// leftOut lists the reasons for which events did not count. Receipts of earlier releases have counts alone.
func (p *page) leftOut() []string {
	f := &p.r.Filtered
	var out []string
	add := func(n int, what string) {
		if n > 0 {
			out = append(out, strconv.Itoa(n)+" "+what)
		}
	}
	add(f.Duplicates, "delivered twice")
	for _, l := range p.r.LeftOut {
		if l.N == 0 { // of nothing that was told
			out = append(out, cmp.Or(leftOutWords[l.Why], l.Why))
		}
		add(l.N, cmp.Or(leftOutWords[l.Why], l.Why)+" ("+p.date(l.Last)+")")
	}
	if len(p.r.LeftOut) == 0 {
		add(f.Bots, "by bots")
		add(f.Internal, "by own staff")
		add(f.NoConsent, "without consent")
		add(f.Customer, "by a customer")
		add(f.Excluded, "on excluded pages")
	}
	add(f.Outside, "outside the time span")
	return out
}

func (p *page) written() {
	r := p.r
	if len(r.Written) == 0 {
		p.title("Written", "nothing")
	} else {
		p.title("Written", "")
		for _, f := range connectors.AllPersonFields().Fields {
			v, ok := r.Written[f.Name]
			if !ok {
				continue
			}
			if v == "" {
				v = "(empty)"
			}
			for i, line := range strings.Split(v, "\n") {
				name := f.Name
				if i > 0 {
					name = ""
				}
				p.named(name, 18, line)
			}
		}
	}
	if !r.HeldOut.IsZero() {
		p.title("Held out", "since "+p.date(r.HeldOut)+", for comparison; nothing is written to any CRM until they ask to be contacted or holdout.share is lowered")
	}
	if len(r.Held) > 0 {
		p.title("Held", "a person changed these, so they stay theirs until emptied, or let go by `intentd release`: "+strings.Join(r.Held, ", "))
	}
}

func (p *page) check() {
	v := p.r.Verify()
	switch {
	case v.Err != nil:
		p.title("Check", "not recomputed: "+v.Err.Error())
	case v.Same && v.Adds:
		p.title("Check", "recomputed to the same score, tier and rule")
	case v.Same:
		p.title("Check", "the parts do not add up to the score")
	default:
		p.title("Check", fmt.Sprintf("DIFFERS: recomputed to %s", score.FormatTenths(v.Parts.Score)))
	}
	if len(v.Missing) > 0 {
		p.entry("citations", "of unknown events: "+strings.Join(v.Missing, ", "))
	} else {
		p.entry("citations", "every cited event exists")
	}
}
