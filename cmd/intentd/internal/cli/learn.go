package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
)

func (c *command) learn() *cobra.Command {
	var since, crm string
	var box bool
	cmd := &cobra.Command{
		Use:   "learn",
		Short: "Learn from closed deals: see what it would change, apply it, undo it",
		Long: `Learns from the closed deals of your CRM what goes with winning, and shows it: weights of the score's components, topics, and strengths of single things that people do,
with what they would have been worth on later people, and which tiers would change now. Nothing changes until it is applied; what is learned is kept under a number.

  intentd learn --demo             made-up deals of a CRM in a box: no key, no network
  intentd learn                    learn, and show what it would do
  intentd learn apply              take the newest, or that of a number; undo brings back what was before
  intentd learn history            what was learned, applied and undone
  intentd learn export FILE        the coefficients as a file that people can read
  intentd learn import FILE        the coefficients of another portal, as what the next learning begins with

What is applied counts where scoring.engine asks for it. See docs/learn.md.`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			span, err := spanOf(since, time.Now())
			if err != nil {
				return misuse(cmd, "%v", err)
			}
			if box && (crm != "" || cmd.Flags().Changed("config")) {
				return misuse(cmd, "--demo has deals, people and a configuration of its own")
			}
			l, err := c.lesson(cmd.Context(), app.LearnArguments{Span: span, CRM: crm}, box)
			if err != nil {
				return err
			}
			return c.print(l, func(w io.Writer) { (&lessonPage{w}).print(l) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&since, "since", "365d", "deals that were closed in this `TIME`, in days, or since this date")
	f.StringVar(&crm, "crm", "", "those of the CRM of this `NAME`, where there are several")
	f.BoolVar(&box, "demo", false, "made-up deals of a CRM in a box: no key, no network")
	cmd.AddCommand(c.learnApply(), c.learnUndo(), c.learnHistory(), c.learnExport(), c.learnImport())
	return cmd
}

// lesson has the daemon learn, or the state's own app where none runs; where there is no state it is learned without one.
func (c *command) lesson(ctx context.Context, arg app.LearnArguments, box bool) (*app.Lesson, error) {
	var at atomic.Value
	at.Store("reading closed deals")
	aside := func(o app.BacktestOptions) (*app.Lesson, error) {
		o.Span, o.CRM, o.Progress = arg.Span, arg.CRM, func(line string) { at.Store(line) }
		o.App = app.Options{Path: c.file, Log: c.quietLog(o.Config), Version: c.Version}
		return app.LearnAside(ctx, o)
	}
	defer c.progress(ctx, func() string { return at.Load().(string) })()
	if box {
		cfg, gone, err := c.dealsInABox(ctx)
		if err != nil {
			return nil, err
		}
		defer gone()
		return aside(app.BacktestOptions{Config: cfg})
	}
	if client, _ := c.daemon(ctx); client == nil {
		cfg, err := c.load()
		if err != nil {
			return nil, err
		}
		if _, err := os.Stat(cfg.State.Path); errors.Is(err, fs.ErrNotExist) {
			return aside(app.BacktestOptions{Config: cfg})
		}
	}
	return ask(ctx, c, app.Learn, arg)
}

// numbered is a command about one of what was learned; without a number the newest that fits.
func (c *command) numbered(use, short, long string, do func(ctx context.Context, number uint64) error) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Long: long,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return misuse(cmd, "%s takes one number at most", cmd.Name())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			number := uint64(0)
			if len(args) == 1 {
				n, err := strconv.ParseUint(args[0], 10, 64)
				if err != nil || n == 0 {
					return misuse(cmd, "%q is no number of intentd learn history", args[0])
				}
				number = n
			}
			return do(cmd.Context(), number)
		},
	}
}

func (c *command) learnApply() *cobra.Command {
	return c.numbered("apply [NUMBER]", "Put what was learned in force", `Puts the newest that was learned in force, or that of a number. It counts where scoring.engine is weights, propensity or auto; scores follow from what
is stored, no model is asked, and the brake holds where more tiers change than it lets through.`, func(ctx context.Context, number uint64) error {
		l, err := ask(ctx, c, app.LearnApply, app.LearnedNumber{Number: number})
		if err != nil {
			return err
		}
		return c.print(l, func(w io.Writer) {
			fmt.Fprintf(w, "number %d is applied: %s\nintentd learn undo takes it back\n", l.Number, learnedText(&l))
			if l.Counts != "" {
				fmt.Fprintln(w, l.Counts)
			}
		})
	})
}

func (c *command) learnUndo() *cobra.Command {
	return &cobra.Command{Use: "undo", Short: "Take back what was applied last", Long: "Takes back what was applied last. What was applied before it counts again; without such a one, the settings of the configuration.",
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := ask(cmd.Context(), c, app.LearnUndo, app.Nothing{})
			if err != nil {
				return err
			}
			return c.print(l, func(w io.Writer) { fmt.Fprintf(w, "number %d is undone\n", l.Number) })
		},
	}
}

func (c *command) learnHistory() *cobra.Command {
	return &cobra.Command{Use: "history", Short: "List what was learned, applied and undone", Long: "Lists what was learned, the newest first, with what became of it. With --json the evidence of each is in it.",
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := ask(cmd.Context(), c, app.LearnHistory, app.Nothing{})
			if err != nil {
				return err
			}
			return c.print(list, func(w io.Writer) { historyText(w, list) })
		},
	}
}

func (c *command) learnExport() *cobra.Command {
	var number uint64
	cmd := &cobra.Command{Use: "export FILE", Short: "Write the coefficients to a file that people can read", Long: "Writes the coefficients that are applied, else the newest, to a file. Another portal can begin its learning with them: intentd learn import. No person is in it.",
		Args: exactly("the FILE to write"),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := ask(cmd.Context(), c, app.LearnExport, app.LearnedNumber{Number: number})
			if err != nil {
				return err
			}
			if err := writeFile(args[0], func(w io.Writer) error { _, err := io.WriteString(w, text); return err }); err != nil {
				return err
			}
			return c.print(map[string]string{"written": args[0]}, func(w io.Writer) { fmt.Fprintln(w, "Written: "+args[0]) })
		},
	}
	cmd.Flags().Uint64Var(&number, "number", 0, "those of this `NUMBER` of intentd learn history")
	return cmd
}

func (c *command) learnImport() *cobra.Command {
	var none bool
	cmd := &cobra.Command{Use: "import FILE|--none", Short: "Begin the next learning with the coefficients in a file", Long: `Keeps the coefficients in a file as what the next learning begins with, in the place of the built-in strengths: what other portals taught. With --none the next
begins with the built-in strengths again. It changes no score by itself.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if none != (len(args) == 0) || len(args) > 1 {
				return misuse(cmd, "name the FILE of coefficients, or --none")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			var file app.File
			if !none {
				var err error
				if file, err = app.ReadFile(args[0]); err != nil {
					return err
				}
			}
			l, err := ask(cmd.Context(), c, app.LearnImport, file)
			if err != nil {
				if !none {
					err = fmt.Errorf("%s: %w", args[0], err)
				}
				return err
			}
			return c.print(l, func(w io.Writer) {
				if none {
					fmt.Fprintln(w, "the next learning begins with the built-in strengths")
					return
				}
				fmt.Fprintf(w, "number %d: the next learning begins with these %s\n", l.Number, plural(l.Features, "strength"))
			})
		},
	}
	cmd.Flags().BoolVar(&none, "none", false, "begin with the built-in strengths again")
	return cmd
}
