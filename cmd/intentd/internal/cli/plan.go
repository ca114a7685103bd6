package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
)

func (c *command) plan() *cobra.Command {
	var arg app.PlanArguments
	var against string
	cmd := &cobra.Command{
		Use:   "plan [EMAIL|ID]",
		Short: "Show field by field what would be written; nothing is",
		Long: `Takes people through everything but the writing: for each record the fields as they are and as they would become. Before a
first sync it looks at a sample of the CRM and estimates records, calls, cost and days. Nothing is written, kept or paid for:
texts are those of the rules.

The plan is that of the config file as it is now, also while a daemon runs on an earlier version of it: edit, plan, then reload.

With --against FILE it shows what another config would do to the scores that CRMs show, before it is in force: how many change tier and
from which to which, some of them, whose they are, and the CRM's calls. That comes from what is stored: no source and no model is asked.
Of another scoring.capacity it shows where high would begin for each owner from the night after on; of other rules of fit the letters now
and then, by what records say now: those of 500 people at most are read. What is in the figures and what is not stands below, key by key.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return misuse(cmd, "plan takes one person at most")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				arg.Who = args[0]
			}
			if against != "" {
				if arg.Who != "" {
					return misuse(cmd, "--against is about everybody: leave %s out", arg.Who)
				}
				return c.planAgainst(cmd.Context(), against)
			}
			if arg.Limit < 1 {
				return misuse(cmd, "--limit must be above 0")
			}
			t, file, done, err := c.answerer(cmd.Context())
			if err != nil {
				return err
			}
			defer done()
			arg.File = file
			p, err := app.Plan.Do(cmd.Context(), t, arg)
			if err != nil {
				return err
			}
			return c.print(p, func(w io.Writer) {
				for _, ch := range p.Changes {
					fmt.Fprintf(w, "%s  %s  (%s)\n", ch.Ref, strings.TrimSpace(ch.Name), ch.Reason)
					for _, f := range ch.Fields {
						fmt.Fprintf(w, "    %-24s %s → %s\n", f.Property, shown(f.Old), shown(f.New))
					}
					if len(ch.Held) > 0 {
						fmt.Fprintf(w, "    left alone, a human set them: %s\n", strings.Join(ch.Held, ", "))
					}
				}
				fmt.Fprintf(w, "%d looked at, %d would be written, %d unchanged\n", p.Looked, len(p.Changes), p.Unchanged)
				for _, f := range p.FirstSync {
					fmt.Fprintf(w, "first sync of %s: %s, about %d to write (a sample of %d says), %d calls, %.2f USD, %.1f days\n", f.CRM, plural(f.Records, "record"), f.Writes, f.Sample, f.Calls, f.USD, f.Days)
					if f.USD > 0 {
						fmt.Fprintln(w, "  texts are the rules' at first; the model's follow, highest scores first, within the day's budget")
					}
				}
				fmt.Fprintln(w, p.Note)
			})
		},
	}
	cmd.Flags().StringVar(&against, "against", "", "show what the config in `FILE` would do to the scores there are")
	cmd.Flags().IntVar(&arg.Limit, "limit", 50, "look at `N` people at most")
	return cmd
}

// shown is a value on one line of a terminal.
func shown(v string) string {
	if v == "" {
		return "(empty)"
	}
	v = strings.Map(func(r rune) rune {
		if r == '\n' {
			return '⏎'
		}
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, v)
	if r := []rune(v); len(r) > 100 {
		return string(r[:99]) + "…"
	}
	return v
}
