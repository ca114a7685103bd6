package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/jsonl"
	"github.com/intentd/intentd/pipeline/receipt"
)

func (c *command) try() *cobra.Command {
	var o app.TryOptions
	var now, person string
	cmd := &cobra.Command{
		Use:   "try FILE",
		Short: "Try it on a journey of your own: no CRM, no configuration",
		Long: `Reads one or more people's journeys and shows what intentd would write about them, and why: each step, the intent, score and tier, and
the receipt. It writes no file and, without --model, needs no network. FILE may hold, and - is standard input,

  records of Segment, RudderStack, PostHog, GA4, Snowplow, Mixpanel or Amplitude, as they export them
  intentd's own events: time, kind, email, url, page_title and so on
  plain steps: step, page, action, element, screenshot, without times

as JSON lines, a JSON array, a JSON object with a list in it, or CSV with a header. For example:

  [{"step": 1, "page": "Cards", "action": "click", "element": "Cards"}, {"step": 2, "page": "Cards", "action": "scroll"},
   {"step": 3, "page": "Cards", "action": "click", "element": "Know more"}]

With -c FILE its scoring, topics, products, privacy and model count: then this is what the daemon would write.`,
		Args: exactly("a file with a journey, or - for standard input"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.Language != "" && o.Language != "en" && o.Language != "de" {
				return misuse(cmd, "--language %q: it is en or de", o.Language)
			}
			var err error
			if o.Now, err = moment(now); err != nil {
				return misuse(cmd, "--now %q is no time: write 2026-11-28 or 2026-11-28T09:00:00Z", now)
			}
			o.GeminiKey, o.OpenAIKey, o.OpenAIURL = os.Getenv("GEMINI_API_KEY"), os.Getenv("OPENAI_API_KEY"), os.Getenv("OPENAI_BASE_URL")
			if cmd.Flags().Changed("config") {
				if o.Config, err = c.load(); err != nil {
					return err
				}
			}
			read, err := readJourney(args[0], cmd.InOrStdin(), o.Now)
			if err != nil {
				return err
			}
			t, err := app.Try(cmd.Context(), read, o)
			if err != nil {
				return err
			}
			if person != "" {
				if t.People = named(t.People, person); len(t.People) == 0 {
					return fmt.Errorf("--person %s: nobody in %s goes by that; leave --person out for the list", person, args[0])
				}
			}
			return c.print(t, func(w io.Writer) { tryPage{w, t, args[0], o.Now, person != ""}.print() })
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Model, "model", "", "let this `MODEL` write the texts, with the key in GEMINI_API_KEY or OPENAI_API_KEY (and OPENAI_BASE_URL); it is sent the journey")
	f.StringVar(&o.Language, "language", "", "`LANGUAGE` of the texts: en or de")
	f.StringVar(&now, "now", "", "the `TIME` to score for, for example 2026-11-28T09:00:00Z; otherwise it is now")
	f.StringVar(&person, "person", "", "show only `WHO`: an e-mail address or id")
	f.StringVar(&o.Screenshots, "screenshots", "", "`DIR` of the pictures that steps name, for the model")
	return cmd
}

// moment is a time as people type it, in UTC where they name no zone; "" is now.
func moment(text string) (time.Time, error) {
	if text == "" {
		return time.Now(), nil
	}
	var err error
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly} {
		var t time.Time
		if t, err = time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, err
}

// readJourney reads a file, or standard input for "-".
func readJourney(name string, stdin io.Reader, now time.Time) (*jsonl.Journey, error) {
	if name != "-" {
		f, err := os.Open(name)
		var path *fs.PathError
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("%s: there is no such file; name one with a journey, or - for standard input", name)
		case errors.As(err, &path):
			return nil, fmt.Errorf("%s: %w; make it readable for yourself", name, path.Err)
		}
		defer f.Close()
		if info, err := f.Stat(); err == nil && info.IsDir() {
			return nil, fmt.Errorf("%s is a directory; name one of its files", name)
		}
		stdin = f
	} else {
		name = "standard input"
	}
	read, err := jsonl.ReadJourney(stdin, now)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(read.Events) == 0 {
		why := "it holds no step"
		if len(read.Examples) > 0 {
			why = fmt.Sprintf("line %d: %s", read.Examples[0].Line, read.Examples[0].Reason)
			if n := read.Records - 1; n > 0 {
				why += fmt.Sprintf(", and %s not readable either", plural(n, "record"))
			}
		}
		return nil, fmt.Errorf("%s: no journey: %s; each record needs what was done (kind, event or action) or where (page, url)", name, why)
	}
	return read, nil
}

// named are the people who go by one of their ids.
func named(people []app.TriedPerson, who string) []app.TriedPerson {
	return slices.DeleteFunc(people, func(p app.TriedPerson) bool {
		return !slices.ContainsFunc(p.IDs, func(id string) bool {
			_, value, _ := strings.Cut(id, " ")
			return strings.EqualFold(value, strings.TrimSpace(who)) || strings.EqualFold(id, who)
		})
	})
}

// tryPage prints what came of a journey.
type tryPage struct {
	w    io.Writer
	t    *app.Trial
	file string
	now  time.Time
	one  bool // somebody was asked for
}

func (p tryPage) print() {
	p.read()
	if len(p.t.People) == 1 {
		p.person(&p.t.People[0])
		return
	}
	p.line("")
	p.line("%d people, the highest score first", len(p.t.People))
	for i := range p.t.People {
		who := &p.t.People[i]
		score := cmp.Or(who.Fields[connectors.FieldScore], "–")
		p.line("%6s  %-7s  %-32s  %s", score, who.Receipt.Tier, who.Name, headlineOf(who))
	}
	if len(p.t.People) > 0 {
		p.line("")
		p.line("One of them whole: intentd try %s --person %s", p.file, p.t.People[0].Name)
	}
}

// headlineOf is what a rep would read first; of people without a score why there is none.
func headlineOf(who *app.TriedPerson) string {
	if h := who.Fields[connectors.FieldHeadline]; h != "" {
		return h
	}
	if len(who.Receipt.LeftOut) > 0 {
		return "no score: " + who.Receipt.LeftOut[0].Why
	}
	return "no score: nothing they did counts"
}

// read tells what was read, what was not and what was assumed.
func (p tryPage) read() {
	r := p.t.Read
	p.line("%s: %s, %d of %s read", p.file, r.Format, len(r.Events), plural(r.Records, "record"))
	for _, reason := range slices.Sorted(maps.Keys(r.Unreadable)) {
		var lines []string
		for _, e := range r.Examples {
			if e.Reason == reason {
				lines = append(lines, fmt.Sprint(e.Line))
			}
		}
		if r.Unreadable[reason] > len(lines) {
			lines = append(lines, "…")
		}
		p.line("  not read     %d: %s (line %s)", r.Unreadable[reason], reason, strings.Join(lines, ", "))
	}
	if r.Untimed == len(r.Events) {
		p.line("  assumed      steps without a time are one visit that ends now, so recency is full")
	} else if r.Untimed > 0 {
		p.line("  assumed      %s without a time stand right after the one before", plural(r.Untimed, "step"))
	}
	if p.t.Engine != "" {
		p.line("  by formula   scoring.engine is %s, and what was learned lies with the daemon: intentd explain shows its scores", p.t.Engine)
	}
	if r.Nameless > 0 {
		p.line("  assumed      steps that name nobody are one visitor's")
	}
	if len(p.t.Hosts) > 0 {
		p.line("  assumed      your own site is %s: titles of other hosts are not trusted", strings.Join(p.t.Hosts, ", "))
	}
	if p.t.Joined {
		p.line("  assumed      visitors agreed that what they did without a name is theirs once they have one (identity.join_anonymous)")
	}
	if p.t.Placed > 0 {
		p.line("  assumed      %s on a page without an address: taken for one of your own site, \"Pricing\" for /pricing", plural(p.t.Placed, "step"))
	}
	if p.t.Strange > 0 {
		p.line("  left out     %s about companies that nobody here is of, by their addresses", plural(p.t.Strange, "event"))
	}
	if p.t.Shared > 0 {
		p.line("  left out     %s whose only id several people have", plural(p.t.Shared, "event"))
	}
	p.unknown("kinds", p.t.Unknown, "they count for nothing", `scoring: {rules: [{kind: %q, signal: content_view}]}`)
	p.unknown("forms", p.t.Forms, "they count as form_submit", `scoring: {rules: [{form: %q, signal: hand_raise}]}`)
	newest := time.Time{}
	for i := range r.Events {
		if r.Events[i].Time.After(newest) {
			newest = r.Events[i].Time
		}
	}
	if old := p.now.Sub(newest); old > 30*24*time.Hour {
		p.line("  old          the newest step is of %s: --now %s shows what would have been said then", newest.Format("2 Jan 2006"), newest.UTC().Format(time.RFC3339))
	} else if old < -5*time.Minute {
		p.line("  to come      the newest step is of %s, later than now: --now %s counts it", newest.Format("2 Jan 2006"), newest.UTC().Format(time.RFC3339))
	}
	if r.Pictures > 0 && p.t.Model == "" {
		p.line("  screenshots  %s named: rules look at none; a model does with --model and --screenshots DIR", plural(r.Pictures, "picture"))
	}
}

// unknown lists names that no list knows, the commonest first, with the line of a config that teaches the first.
func (p tryPage) unknown(what string, counts map[string]int64, so, teach string) {
	if len(counts) == 0 {
		return
	}
	names := connectors.Commonest(counts, 5)
	var told []string
	for _, name := range names {
		told = append(told, fmt.Sprintf("%s (%d)", name, counts[name]))
	}
	p.line("  %s  %s: %s; a line of the config teaches one: %s", pad("unknown", 11), what+" "+strings.Join(told, ", "), so, fmt.Sprintf(teach, names[0]))
}

// happened prints what somebody did, and what each of it counts as.
func (p tryPage) happened(who *app.TriedPerson) {
	p.line("")
	p.line("%s", strings.Join(who.IDs, ", "))
	p.line("")
	p.line("What happened")
	for _, s := range who.Steps {
		counts := "counts as " + fmt.Sprintf("%s, %d", s.Signal, s.Points)
		if s.Signal == "" {
			counts = "does not count: " + cmp.Or(s.LeftOut, "step only")
		}
		p.line("  %s  %s  %s  %s", s.Time.In(p.t.Zone).Format("2 Jan 2006 15:04"), pad(s.Kind, 14), pad(s.What, 34), counts)
		if s.Summary != "" {
			p.wrap(s.Summary, 21)
		}
		if len(s.Context) > 0 {
			p.wrap("on the screen: "+strings.Join(s.Context, "; "), 21)
		}
	}
	for _, l := range who.Receipt.LeftOut {
		p.line("  left out: %d, %s, the last on %s", l.N, l.Why, l.Last.In(p.t.Zone).Format("2 Jan 2006"))
	}
}

// person prints somebody whole.
func (p tryPage) person(who *app.TriedPerson) {
	p.happened(who)
	p.line("")
	by := cmp.Or(who.Receipt.Intent.Engine, "rules")
	p.line("What a rep would read (by %s)", by)
	if len(who.Fields) == 0 || who.Fields[connectors.FieldScore] == "" {
		p.line("  nothing: %s", headlineOf(who))
	} else {
		p.line("  %s  %s", who.Fields[connectors.FieldScore], who.Fields[connectors.FieldTier])
		for _, f := range []string{connectors.FieldHeadline, connectors.FieldSummary, connectors.FieldReasons} {
			for line := range strings.Lines(who.Fields[f]) {
				p.wrap(strings.TrimSpace(line), 2)
			}
		}
		for _, f := range []struct{ name, field string }{
			{"topics", connectors.FieldTopics}, {"product", connectors.FieldProduct}, {"stage", connectors.FieldStage}, {"trend", connectors.FieldTrend}, {"cools on", connectors.FieldCoolsOn},
		} {
			if v := who.Fields[f.field]; v != "" {
				p.line("  %s %s", pad(f.name, 10), v)
			}
		}
	}
	if why := who.Receipt.Intent.Degraded; why != "" {
		p.line("  these are the rules' texts: %s", why)
		if p.t.Trouble != "" {
			p.wrap(p.t.Model+" said: "+p.t.Trouble, 2)
		}
	}
	if u := who.Receipt.Intent.Usage; u.Calls > 0 {
		price := fmt.Sprintf("USD %.4f", float64(u.MicroUSD)/1e6)
		if !p.t.Priced {
			price = "its price is not known here"
		}
		p.line("  %s of %s: %d tokens in, %d out, %s", plural(u.Calls, "call"), p.t.Model, u.In, u.Out, price)
	}
	p.line("")
	p.line("Receipt")
	_ = who.Receipt.Text(p.w, receipt.TextOptions{Location: p.t.Zone}) // as every line here: who reads it notices
}

func (p tryPage) line(format string, args ...any) {
	fmt.Fprintln(p.w, strings.TrimRight(receipt.Clean(fmt.Sprintf(format, args...)), " "))
}

// wrap prints a text in lines of at most 100 columns.
func (p tryPage) wrap(text string, indent int) {
	in := strings.Repeat(" ", indent)
	line := in
	for _, word := range strings.Fields(text) {
		if len([]rune(line))+len([]rune(word)) > 100 && line != in {
			p.line("%s", line)
			line = in
		}
		line += word + " "
	}
	if line != in {
		p.line("%s", line)
	}
}

// pad is s in n columns: cut or filled.
func pad(s string, n int) string { return receipt.Pad(receipt.Clean(s), n) }
