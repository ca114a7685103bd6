package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/pipeline/verdicts"
)

func (c *command) verdicts() *cobra.Command {
	var since, export string
	cmd := &cobra.Command{
		Use:   "verdicts",
		Short: "See how far reps and score agree, and export their verdicts to learn from",
		Long: `Sets what reps said of people (the field intent_verdict) beside the score that the CRM showed them then: how often both agreed, by tier, by what
spoke most for the person, and month by month. A verdict agrees with high and medium if it is "interested", with low if it is anything else.

  intentd verdicts
  intentd verdicts --since 90d
  intentd verdicts --export labels.jsonl

--export writes them as a labelled set, one verdict a line with the facts of then: won is "interested", lost anything else. It names nobody, and a backtest reads it:

  intentd backtest --people labels.jsonl --outcome outcome --date at --score score`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var arg app.VerdictArguments
			if since != "" {
				span, err := spanOf(since, time.Now())
				if err != nil {
					return misuse(cmd, "%v", err)
				}
				arg.Since = time.Now().Add(-span).UTC().Truncate(time.Second)
			}
			if export != "" {
				return c.exportVerdicts(cmd.Context(), export, arg)
			}
			r, err := ask(cmd.Context(), c, app.Verdicts, arg)
			if err != nil {
				return err
			}
			return c.print(r, func(w io.Writer) { verdictText(w, r) })
		},
	}
	cmd.Flags().StringVar(&since, "since", "", "only verdicts of this `TIME`, in days, such as 90d, or since this date")
	cmd.Flags().StringVar(&export, "export", "", "write a labelled set to this `FILE`, JSON lines")
	return cmd
}

// exportVerdicts writes the labelled set, part by part.
func (c *command) exportVerdicts(ctx context.Context, file string, arg app.VerdictArguments) error {
	done := struct {
		File    string `json:"file"`
		Written int    `json:"written"`
	}{File: file}
	_, t, end, err := c.reach(ctx)
	if err != nil {
		return err
	}
	defer end()
	err = writeFile(file, func(w io.Writer) error {
		for more := true; more; more = arg.From != 0 {
			part, err := app.VerdictLabels.Do(ctx, t, arg)
			if err == nil {
				_, err = w.Write(part.Lines)
			}
			if err != nil {
				return err
			}
			done.Written, arg.From = done.Written+part.Written, part.Next
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.print(done, func(w io.Writer) {
		if done.Written == 0 {
			fmt.Fprintf(w, "No verdict says something of a score yet: %s is empty.\n", file)
			return
		}
		fmt.Fprintf(w, "Written to %s: %s. Look at it with\n  intentd backtest --people %s --outcome outcome --date at --score score\n", file, plural(done.Written, "verdict"), file)
	})
}

// verdictText tells the report.
func verdictText(w io.Writer, r *verdicts.Report) {
	when := "so far"
	if !r.Since.IsZero() {
		when = "since " + r.Since.Format("2 Jan 2006")
	}
	if r.Changes == 0 {
		fmt.Fprintf(w, "No rep has said anything %s: the field is intent_verdict, on each person in the CRM.\n", when)
		return
	}
	fmt.Fprintf(w, "%s %s, about %s.\n", plural(r.Changes, "verdict"), when, people(r.People))
	for _, why := range slices.Sorted(maps.Keys(r.LeftOut)) {
		fmt.Fprintf(w, "  not counted: %d %s\n", r.LeftOut[why], why)
	}
	if r.Aside > 0 {
		fmt.Fprintf(w, "  not counted by tier: %d given while an earlier verdict held the tier low\n", r.Aside)
	}
	if r.All.Verdicts > 0 {
		fmt.Fprintf(w, "Reps and tiers agreed on %s (95 %% limits: %s).\n", agreed(&r.All), limits(r.All.Share, 100, " %"))
	}
	if r.Rank != nil {
		fmt.Fprintf(w, "The score ranks whom reps call interested above the others with an AUC of %.2f (%s; 0.50 is chance).\n", r.Rank.Value, limits(*r.Rank, 1, ""))
	} else {
		fmt.Fprintln(w, "Too few to tell how well the score ranks them: at least 10 interested and 10 others are needed.")
	}
	for _, t := range []struct {
		title string
		rows  []verdicts.Row
	}{{"Tier shown", r.Tiers}, {"What spoke most for them", r.Reasons}, {"Month", r.Months}} {
		verdictTable(w, t.title, t.rows)
	}
}

func verdictTable(w io.Writer, title string, rows []verdicts.Row) {
	rows = slices.DeleteFunc(slices.Clone(rows), func(r verdicts.Row) bool { return r.Verdicts == 0 })
	if len(rows) == 0 {
		return
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer t.Flush()
	fmt.Fprint(t, title)
	for _, word := range verdicts.Words {
		fmt.Fprint(t, "\t"+strings.ReplaceAll(word, "_", " "))
	}
	fmt.Fprintln(t, "\tagreed\tlimits")
	for i := range rows {
		r := &rows[i]
		fmt.Fprint(t, r.Of)
		for _, word := range verdicts.Words {
			fmt.Fprintf(t, "\t%d", r.By[word])
		}
		fmt.Fprintf(t, "\t%s\t%s\n", agreed(r), limits(r.Share, 100, " %"))
	}
}

func agreed(r *verdicts.Row) string {
	return fmt.Sprintf("%d of %d", r.Agreed, r.Verdicts)
}

// limits are those of an interval, times so much.
func limits(i verdicts.Interval, times float64, unit string) string {
	if times == 1 {
		return fmt.Sprintf("%.2f to %.2f%s", i.Low, i.High, unit)
	}
	return fmt.Sprintf("%.0f to %.0f%s", times*i.Low, times*i.High, unit)
}
