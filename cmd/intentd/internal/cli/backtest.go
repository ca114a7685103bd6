package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/pipeline/learn/backtest"
	"github.com/intentd/intentd/pipeline/learn/report"
)

func (c *command) backtest() *cobra.Command {
	var o app.BacktestOptions
	var html, coefficients, since, asOf, within string
	var box bool
	cmd := &cobra.Command{
		Use:   "backtest",
		Short: "See what the score is worth on people whose outcome you know",
		Long: `Sets the score beside what it could be, on people of whom you know whether they were won: how well each engine ranks them, whether its
probabilities hold, and how many of each tier were won. The older people are learned from, the newer judged on.

Without a file the people are those of the closed deals of your CRM: how many of the won deals had somebody high before the deal was
created, how early, and what they were worth. It needs a configuration with the CRM and the sources, and a token that may read; no field in the
CRM and no state. It writes nothing and asks no model. Each journey ends a day before the deal was created. Where intentd ran at the date already, what it
knew then counts; where it did not, the journey rebuilt as of the date; how many of each is said.

  intentd backtest --demo                 made-up deals of a CRM in a box: no key, no network
  intentd backtest -c intentd.yaml
  intentd backtest -c intentd.yaml --since 730d --html report.html
  intentd backtest -c intentd.yaml --as-of 2026-06-01 --within 60d

With --as-of it is everybody in the CRM who was active at that date, not the people of deals alone: won are those of whom a deal was created in the
time after it and has been won since.

HubSpot asks for the scope crm.objects.deals.read, besides crm.objects.contacts.read. With files it needs no CRM, no configuration and no network:

  --people FILE.csv       one row a person, with the column of the --outcome and, better, its --date; --score is a score you have,
                          --features are the columns to learn from (all but names and ids where none are given)
  --journeys FILE.jsonl   what people did, in a form that intentd try reads, with --outcomes FILE.csv, which has the columns email, outcome
                          and at. Each journey ends a day before its outcome: what came later would give it away

  intentd backtest --people leads.csv --outcome converted --date closed_at --score hubspotscore
  intentd backtest --journeys events.jsonl --outcomes outcomes.csv --html report.html

Won is written as 1, yes, won or converted, lost as 0, no or lost. Columns that give the outcome away (they are filled in after it) are
left out and told; --trust takes one in all the same. See docs/backtest.md.`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if o.Span, err = spanOf(since, time.Now()); err != nil {
				return misuse(cmd, "%v", err)
			}
			if err := checkBacktest(cmd, &o, box); err != nil {
				return err
			}
			if err := readAsOf(&o, asOf, within, time.Now()); err != nil {
				return misuse(cmd, "%v", err)
			}
			deals := o.People+o.Journeys == ""
			if box {
				var gone func()
				if o.Config, gone, err = c.dealsInABox(cmd.Context()); err != nil {
					return err
				}
				defer gone()
			} else if deals || cmd.Flags().Changed("config") {
				if o.Config, err = c.load(); err != nil {
					return err
				}
			}
			stop := func() {}
			if deals {
				var at atomic.Value
				at.Store("beginning")
				o.Progress = func(line string) { at.Store(line) }
				o.App = app.Options{Path: c.file, Log: c.quietLog(o.Config), Version: c.Version}
				if !box {
					var done func()
					if o.History, done, err = c.history(cmd.Context(), o.Config); err != nil {
						return err
					}
					defer done()
				}
				stop = c.progress(cmd.Context(), func() string { return at.Load().(string) })
			}
			t, err := app.Backtest(cmd.Context(), o)
			stop()
			if err != nil {
				return err
			}
			if box {
				t.Of = "made-up deals of a CRM in a box"
			}
			page := backtestPage{t: t}
			for _, f := range []struct {
				name  string
				write func(io.Writer) error
			}{
				{html, func(w io.Writer) error { return report.Write(w, report.Options{Result: t.Result, Of: t.Of}) }},
				{coefficients, t.WriteStrengths},
			} {
				if f.name == "" {
					continue
				}
				if err := writeFile(f.name, f.write); err != nil {
					return err
				}
				page.written = append(page.written, f.name)
			}
			return c.print(t.Result, func(w io.Writer) { page.w = w; page.print() })
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.People, "people", "", "the `FILE` of people, CSV")
	f.StringVar(&o.Columns.Outcome, "outcome", "", "the `COLUMN` that says who was won")
	f.StringVar(&o.Columns.Date, "date", "", "the `COLUMN` with the date of the outcome")
	f.StringVar(&o.Columns.Score, "score", "", "the `COLUMN` with a score that you have, to set beside ours")
	f.StringSliceVar(&o.Columns.Features, "features", nil, "learn from these `COLUMNS` (of --people), or from these properties of events and columns of --outcomes")
	f.StringSliceVar(&o.Columns.Trusted, "trust", nil, "learn from these `COLUMNS` though they tell the outcome too well")
	f.StringVar(&o.Journeys, "journeys", "", "the `FILE` of what people did")
	f.StringVar(&o.Outcomes, "outcomes", "", "the `FILE` of what came of them, CSV: email, outcome, at")
	f.BoolVar(&box, "demo", false, "on made-up deals of a CRM in a box: no key, no network")
	f.StringVar(&since, "since", "365d", "of closed deals: those that were closed in this `TIME`, in days, or since this date")
	f.StringVar(&asOf, "as-of", "", "everybody who was active at this `DATE`, against the deals that were created after it")
	f.StringVar(&within, "within", "60d", "with --as-of: deals that were created in this `TIME` after it")
	f.StringVar(&o.CRM, "crm", "", "of closed deals: those of the CRM of this `NAME`, where there are several")
	f.StringVar(&o.Prior, "prior", "", "a `FILE` of coefficients, of another learning, to begin with")
	f.StringVar(&coefficients, "coefficients", "", "write what was learned to this `FILE`, to read or for --prior")
	f.StringVar(&html, "html", "", "write a report with charts to this `FILE`")
	return cmd
}

// checkBacktest says what is missing or does not go together.
func checkBacktest(cmd *cobra.Command, o *app.BacktestOptions, box bool) error {
	switch {
	case box && (o.People+o.Journeys+o.Outcomes+o.CRM != "" || cmd.Flags().Changed("config")):
		return misuse(cmd, "--demo has deals, people and a configuration of its own")
	case o.People != "" && o.Journeys+o.Outcomes != "":
		return misuse(cmd, "--people and --journeys are two ways to give people: choose one")
	case o.People != "" && o.Columns.Outcome == "":
		return misuse(cmd, "--people needs --outcome, the column that says who was won")
	case o.Journeys != "" && o.Outcomes == "":
		return misuse(cmd, "--journeys needs --outcomes, a CSV file with the columns email, outcome and at")
	case o.Outcomes != "" && o.Journeys == "":
		return misuse(cmd, "--outcomes needs --journeys, the file of what people did")
	case o.Journeys != "" && o.Columns.Outcome+o.Columns.Date+o.Columns.Score != "":
		return misuse(cmd, "--outcome, --date and --score are columns of --people")
	case o.People+o.Journeys != "" && (cmd.Flags().Changed("since") || cmd.Flags().Changed("crm") || cmd.Flags().Changed("as-of")):
		return misuse(cmd, "--since, --as-of and --crm choose closed deals: they do not go with --people and --journeys")
	case cmd.Flags().Changed("within") && !cmd.Flags().Changed("as-of"):
		return misuse(cmd, "--within goes with --as-of, the date after which it begins")
	case o.People+o.Journeys == "" && o.Columns.Outcome+o.Columns.Date+o.Columns.Score+strings.Join(o.Columns.Features, "") != "":
		return misuse(cmd, "--outcome, --date, --score and --features are columns of a file: name it with --people")
	case !box && o.People+o.Journeys == "" && !cmd.Flags().Changed("config"):
		name := cmd.Flag("config").Value.String()
		if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
			return misuse(cmd, "backtest needs a configuration, for the closed deals of its CRM (-c FILE; there is no %s), or people: --people FILE.csv --outcome COLUMN, or --journeys FILE.jsonl --outcomes FILE.csv", name)
		}
	}
	return nil
}

// readAsOf reads a past date, and the time after it in which deals were created.
func readAsOf(o *app.BacktestOptions, date, within string, now time.Time) (err error) {
	if date == "" {
		return nil
	}
	if o.AsOf, err = time.Parse(time.DateOnly, date); err != nil {
		return fmt.Errorf("--as-of %s: write a date, such as 2026-06-01", date)
	}
	days, ok := strings.CutSuffix(within, "d")
	n, err := strconv.Atoi(days)
	if o.Within = time.Duration(n) * 24 * time.Hour; !ok || err != nil || n < 1 || n > 365 {
		return fmt.Errorf("--within %s: write days, such as 60d; a year at most", within)
	}
	if end := o.AsOf.Add(o.Within); end.After(now) {
		return fmt.Errorf("--as-of %s --within %s: that ends on %s, which is to come: choose an earlier date", date, within, end.Format(time.DateOnly))
	}
	return nil
}

// history is who has what was known at past dates: the running daemon, or the state it left; nil where there is neither, which is no error.
func (c *command) history(ctx context.Context, cfg *config.Config) (app.Target, func(), error) {
	none := func() {}
	client, err := app.Dial(ctx, cfg.SocketPath())
	if err == nil {
		return client, none, nil
	}
	if _, missing := os.Stat(cfg.State.Path); errors.Is(err, app.ErrNoDaemon) && errors.Is(missing, fs.ErrNotExist) {
		return nil, none, nil
	}
	return c.target(ctx, cfg, true)
}

// spanOf reads how far back deals may have been closed: days, as 365d, or a date.
func spanOf(since string, now time.Time) (time.Duration, error) {
	var span time.Duration
	if at, err := time.Parse(time.DateOnly, since); err == nil {
		span = now.Sub(at)
	} else if days, ok := strings.CutSuffix(since, "d"); ok {
		n, _ := strconv.Atoi(days)
		span = time.Duration(n) * 24 * time.Hour
	}
	if span < 24*time.Hour || span > 3650*24*time.Hour {
		return 0, fmt.Errorf("--since %s: write days, such as 365d, or a date before today, such as 2025-11-28; ten years at most", since)
	}
	return span, nil
}

// writeFile writes a file, for its owner to read.
func writeFile(name string, write func(io.Writer) error) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("%w: name a file that can be written", err)
	}
	if err := write(f); err != nil {
		_ = f.Close()
		return fmt.Errorf("write %s: %w", name, err)
	}
	return f.Close()
}

func (p *backtestPage) print() {
	r := p.t.Result
	for _, s := range backtest.Headline(r) {
		p.line("%s", s)
	}
	p.line("")
	p.line("%s: %s", p.t.Of, backtest.Whom(r))
	for _, s := range backtest.Remarks(r) {
		p.line("  %s", s)
	}
	p.line("")
	p.engines(r)
	p.tiers(r)
	p.learned(r)
	for _, name := range p.written {
		p.line("Written: %s", name)
	}
}
