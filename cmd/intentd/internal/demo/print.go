package demo

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/journey"
	"github.com/intentd/intentd/pipeline/receipt"
)

// Lead is one person as the CRM shows them once the demo has run.
type Lead struct {
	Name    string            `json:"name"`
	Company string            `json:"company"`
	Role    string            `json:"role"`   // what the population means the person to be
	Values  map[string]string `json:"values"` // intentd's fields by canonical name; without a score the person counts as not scored
}

// property is the prefix of the default property names: "score" is kept in "intent_score".
const property = "intent_"

// Leads makes a lead of every contact that crm still has. crm returns the properties of the record with an e-mail address; a
// record that was merged away is left out.
func (p Population) Leads(crm func(email string) (properties map[string]string, ok bool)) []Lead {
	var leads []Lead
	for _, c := range p.Contacts {
		if slices.ContainsFunc(p.Merges, func(m Merge) bool { return m.Loser == c.Key }) {
			continue
		}
		props, ok := crm(c.Properties["email"])
		if !ok {
			continue
		}
		l := Lead{
			Name: strings.TrimSpace(props["firstname"] + " " + props["lastname"]), Company: props["company"], Role: c.Role,
			Values: make(map[string]string),
		}
		for _, f := range connectors.AllPersonFields().Fields {
			if v := props[property+f.Name]; v != "" {
				l.Values[f.Name] = v
			}
		}
		leads = append(leads, l)
	}
	return leads
}

// PrintOptions say what Print shows besides the table.
type PrintOptions struct {
	Location *time.Location   // time zone of the receipt's dates; nil: UTC
	Width    int              // columns; 0: 120
	Filtered journey.Filtered // sum over all people
	Receipt  *receipt.Receipt // one person in full; nil: none
	Of       string           // whose receipt it is
}

// printer prints within a width.
type printer struct {
	bytes.Buffer
	width int
}

// Print shows the ranked leads, one receipt in full, and what was left out, and says what to try next. The error is w's.
func Print(w io.Writer, leads []Lead, o PrintOptions) error {
	p := printer{width: o.Width}
	if p.width == 0 {
		p.width = 120
	}
	ranked, rest := rank(leads)
	p.table(ranked)
	if o.Receipt != nil {
		p.heading("Why, in full: " + o.Of)
		if err := o.Receipt.Text(&p, receipt.TextOptions{Location: o.Location, Width: p.width}); err != nil {
			return fmt.Errorf("demo: print receipt: %w", err)
		}
	}
	p.leftOut(o.Filtered, rest)
	p.next()
	_, err := w.Write(p.Bytes())
	return err
}

// rank sorts by tier, then score, then name, and sets those without a score apart.
func rank(leads []Lead) (ranked, rest []Lead) {
	for _, l := range leads {
		if l.Values[connectors.FieldScore] == "" {
			rest = append(rest, l)
		} else {
			ranked = append(ranked, l)
		}
	}
	tiers := []string{"high", "medium", "low"}
	slices.SortStableFunc(ranked, func(a, b Lead) int {
		return cmp.Or(
			cmp.Compare(slices.Index(tiers, a.Values[connectors.FieldTier]), slices.Index(tiers, b.Values[connectors.FieldTier])),
			cmp.Compare(number(b.Values[connectors.FieldScore]), number(a.Values[connectors.FieldScore])),
			cmp.Compare(a.Name, b.Name),
		)
	})
	return ranked, rest
}

// number reads a CRM's number: "69" and "69.0" are one.
func number(s string) float64 {
	n, _ := strconv.ParseFloat(s, 64)
	return n
}

func (p *printer) table(leads []Lead) {
	const name, company, tier = 16, 20, 6
	headline := p.width - 60 // which leaves the 60 characters that stand alone, at 120 columns
	p.line("%3s  %s  %s  %s  %5s  %s", "#", pad("Name", name), pad("Company", company), pad("Tier", tier), "Score", "What they want")
	last := ""
	for i, l := range leads {
		if v := l.Values[connectors.FieldTier]; v != last {
			p.line("")
			last = v
		}
		p.line("%3d  %s  %s  %s  %5.1f  %s", i+1, pad(l.Name, name), pad(l.Company, company), pad(l.Values[connectors.FieldTier], tier),
			number(l.Values[connectors.FieldScore]), cut(l.Values[connectors.FieldHeadline], headline))
		if last != "low" {
			if why := whyOf(l.Values); why != "" {
				p.line("     %s", cut(why, p.width-5))
			}
		}
	}
}

// whyOf is the short form of the reasons field: what raises and what lowers, without the sum.
func whyOf(values map[string]string) string {
	lines := strings.Split(values[connectors.FieldReasons], "\n")
	if len(lines) < 2 {
		return ""
	}
	return strings.Join(lines[:2], " ")
}

func (p *printer) leftOut(f journey.Filtered, rest []Lead) {
	p.heading("Left out")
	var events []string
	for _, x := range []struct {
		n    int
		what string
	}{
		{f.Bots, "by bots"}, {f.Machines, "by mail scanners and monitoring"}, {f.Internal, "by own staff"}, {f.Customer, "by customers"}, {f.NoConsent, "without consent"},
		{f.Excluded, "on pages that do not count (careers, login, support)"}, {f.Duplicates, "delivered twice"},
		{f.Outside, "outside the time span"},
	} {
		if x.n > 0 {
			events = append(events, fmt.Sprintf("%d %s", x.n, x.what))
		}
	}
	if len(events) > 0 {
		p.wrap("  Events: "+strings.Join(events, ", ")+".", 10)
	}
	var roles []string
	people := map[string][]string{}
	for _, l := range rest {
		if _, ok := people[l.Role]; !ok {
			roles = append(roles, l.Role)
		}
		people[l.Role] = append(people[l.Role], l.Name)
	}
	for _, r := range roles {
		p.wrap("  Not scored, "+r+": "+strings.Join(people[r], ", ")+".", 4)
	}
}

func (p *printer) next() {
	p.heading("What to try next")
	p.line("  intentd demo --serve     keep the sandbox CRM and the daemon running; its own page tells how to look around")
	p.line("  intentd backtest --demo  a year of closed deals in the box: what the score would have told before they were created")
	p.line("  config.example.yaml      copy it, name your CRM and your sources, and set write.mode: off")
	p.line("  intentd doctor           checks what you configured and says how to mend what is wrong")
	p.line("  intentd plan             shows field by field what would be written, and what it would cost")
}

func (p *printer) heading(s string) {
	p.line("")
	p.line("%s", strings.ToUpper(s[:1])+s[1:])
	p.line("%s", strings.Repeat("─", min(utf8.RuneCountInString(s), p.width)))
}

func (p *printer) line(format string, args ...any) {
	p.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " "))
	p.WriteByte('\n')
}

// wrap breaks text at words, further lines indented.
func (p *printer) wrap(text string, indent int) {
	lead := len(text) - len(strings.TrimLeft(text, " "))
	line := text[:lead]
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > p.width:
			p.line("%s", line)
			line = strings.Repeat(" ", indent)
		default:
			line += " "
		}
		line += word
	}
	p.line("%s", line)
}

// pad makes s exactly n columns wide; cut shortens it at a word. CRM records hold what people typed: nothing that a terminal would
// obey gets through.
func pad(s string, n int) string {
	s = cut(s, n)
	return s + strings.Repeat(" ", n-utf8.RuneCountInString(s))
}

func cut(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	s = string([]rune(s)[:n-1])
	if i := strings.LastIndexByte(s, ' '); i > len(s)/2 {
		s = s[:i]
	}
	return strings.TrimRight(s, " ,;:–(") + "…"
}
