package cli

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intent/evaluate"
)

func (c *command) eval() *cobra.Command {
	var o app.EvaluateOptions
	var file string
	misses := 5
	cmd := &cobra.Command{
		Use:   "eval",
		Short: "See how well texts say what people want, on labelled journeys",
		Long: `Writes the texts of journeys that people have labelled with the facts a good text must state, and holds them against the labels, from both
sides: how many of the facts are stated, how many statements hold one. It needs no CRM and no state and changes nothing; without a model it
needs no network.

  intentd eval                                     texts by rules, on the bundled journeys of several industries
  intentd eval --model gemini --judge model        texts by a model, whose meaning a model finds
  intentd eval -c intentd.yaml --journeys own.yaml your own labelled journeys, under your configuration

A model is sent the labelled journeys, with the key in GEMINI_API_KEY or OPENAI_API_KEY, or the configuration's; --judge sends it the labels
and texts, too. It says what that cost. With -c the configuration's model writes, and its privacy and text settings count.

It is no measure of the score: intentd backtest is. See docs/eval.md for what the figures mean and how to label journeys of your own.`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if misses < 0 {
				return misuse(cmd, "--misses %d: it is how many to show, 0 for none", misses)
			}
			o.GeminiKey, o.OpenAIKey, o.OpenAIURL = os.Getenv("GEMINI_API_KEY"), os.Getenv("OPENAI_API_KEY"), os.Getenv("OPENAI_BASE_URL")
			if cmd.Flags().Changed("config") {
				if o.Config, err = c.load(); err != nil {
					return err
				}
			}
			if file != "" {
				b, err := os.ReadFile(file)
				if err == nil {
					o.Set, err = evaluate.Read(b)
				}
				if err != nil {
					return fmt.Errorf("--journeys %s: %w", file, err)
				}
			}
			var done atomic.Int64
			o.Done = func() { done.Add(1) }
			stop := c.progress(cmd.Context(), func() string { return plural(int(done.Load()), "text") + " so far" })
			e, err := app.Evaluate(cmd.Context(), o)
			stop()
			if err != nil {
				return err
			}
			if err := c.print(e, func(w io.Writer) { evalPage{w, e, misses}.print() }); err != nil {
				return err
			}
			if len(e.Degraded)+len(e.Unjudged) > 0 {
				return &exitError{Degraded, nil}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Model, "model", "", "let this `MODEL` write the texts: gemini, a model's name, or rules; otherwise it is the configuration's, else rules")
	f.StringVar(&o.Judge, "judge", app.JudgeMatcher, "`WHO` holds them against the labels: matcher (bundled, finds wordings), model (the configuration's, else --model's), or a model's name")
	f.StringVar(&file, "journeys", "", "a `FILE` of labelled journeys of your own, YAML")
	f.IntVar(&misses, "misses", misses, "show the `N` worst texts")
	return cmd
}

// evalPage prints an evaluation.
type evalPage struct {
	w      io.Writer
	e      *app.Evaluation
	misses int
}

func (p evalPage) line(format string, args ...any) {
	fmt.Fprintln(p.w, strings.TrimRight(fmt.Sprintf(format, args...), " "))
}

func (p evalPage) print() {
	r := p.e.Result
	p.line("%s", evaluate.Headline(r))
	for _, s := range evaluate.Remarks(r, p.e.Bundled) {
		p.line("  %s", s)
	}
	if p.e.Trouble != "" {
		p.line("  The model refused last: %s", p.e.Trouble)
	}
	p.cost(r.Engine, "texts", r.Usage)
	p.cost(r.Judge, "verdicts", r.Judging)
	p.line("")
	p.table()
	for _, s := range evaluate.Meaning {
		p.line("%s", s)
	}
	p.worst()
}

func (p evalPage) cost(model, of string, u connectors.Usage) {
	if u.Calls == 0 {
		return
	}
	price := fmt.Sprintf("USD %.4f", float64(u.MicroUSD)/1e6)
	if !p.e.Priced {
		price = "its price is not known here"
	}
	p.line("  %s for %s: %s, %d tokens in, %d out, %s", model, of, plural(u.Calls, "call"), u.In, u.Out+u.Thoughts, price)
}

// table prints a line for each industry, with the F1 in each language.
func (p evalPage) table() {
	r := p.e.Result
	p.line("%s  %8s  %6s  %9s  %s  %-13s  %s", pad("", 18), "journeys", "recall", "precision", pad("F1", 17), "English", "German")
	row := func(name, industry string, f *evaluate.Figures) {
		langs := make([]string, 2)
		for i, lang := range []string{"en", "de"} {
			if of := r.Of(industry, lang); of != nil {
				langs[i] = fmt.Sprintf("%.2f (of %d)", of.F1, of.Journeys)
			}
		}
		p.line("%s  %8d  %6.2f  %9.2f  %s  %-13s  %s", pad(name, 18), f.Journeys, f.Recall, f.Precision, pad(f.Limits(), 17), langs[0], langs[1])
	}
	for i := range r.Groups {
		if g := &r.Groups[i]; g.Language == "" {
			row(g.Industry, g.Industry, &g.Figures)
		}
	}
	row("all", "", &r.All)
	p.line("")
}

// worst prints the texts that are furthest from their labels.
func (p evalPage) worst() {
	cases := slices.Collect(func(yield func(*evaluate.Case) bool) {
		for i := range p.e.Cases {
			c := &p.e.Cases[i]
			if len(c.Missing)+len(c.Wrong)+len(c.Never) > 0 && !yield(c) {
				return
			}
		}
	})
	cases = cases[:min(p.misses, len(cases))]
	if len(cases) == 0 {
		return
	}
	p.line("")
	p.line("The worst")
	for _, c := range cases {
		p.line("")
		p.line("%s (%s, %s): F1 %.2f", c.Name, c.Industry, c.Language, c.Figures.F1)
		for _, s := range strings.Split(cmp.Or(c.Text, "(no text)"), "\n") {
			p.line("  %s", s)
		}
		if len(c.Missing) > 0 {
			p.line("  not stated    %s", strings.Join(c.Missing, "; "))
		}
		for _, w := range c.Wrong {
			why := "no label asks for it"
			if w.Unshown != "" {
				why = fmt.Sprintf("%q is not in the steps it rests on", w.Unshown)
			}
			p.line("  not right     %s: %s", w.Statement, why)
		}
		for _, bad := range c.Never {
			p.line("  must not say  %s", bad)
		}
	}
}
