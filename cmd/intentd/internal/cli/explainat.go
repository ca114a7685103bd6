package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/pipeline/operate"
	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/pipeline/score"
)

// explainAt shows what somebody's score was at a time, and what it would have been under the settings of now.
func (c *command) explainAt(cmd *cobra.Command, t app.Target, who, text string, loc *time.Location) error {
	now := time.Now()
	at, err := momentOf("--at", text, now, loc)
	if err != nil {
		return misuse(cmd, "%s", err)
	}
	if _, err := time.Parse(time.DateOnly, text); err == nil {
		if at = at.AddDate(0, 0, 1).Add(-time.Second); at.After(now) && at.Before(now.Add(24*time.Hour)) {
			at = now // today, so far
		}
	}
	if at.After(now) {
		return misuse(cmd, "--at %s is to come", text)
	}
	then, err := app.ExplainAt.Do(cmd.Context(), t, app.MomentQuestion{Who: who, At: at})
	if err != nil {
		return err
	}
	return c.print(then, func(w io.Writer) { printThen(w, then, who, loc) })
}

func printThen(w io.Writer, then *operate.Then, who string, loc *time.Location) {
	moment := func(t time.Time) string { return t.In(loc).Format("2 Jan 2006 15:04 MST") }
	fmt.Fprintf(w, "Score of %s at %s\n\n", who, moment(then.At))
	fmt.Fprintf(w, "  it rested on    %s, unchanged since %s\n", plural(then.Signals, "signal"), moment(then.Since))
	if len(then.Read) > 0 {
		names := make([]string, len(then.Read))
		for i := range then.Read {
			names[i] = receipt.Clean(then.Read[i].Name)
		}
		fmt.Fprintf(w, "  read about      %s\n", strings.Join(names, ", "))
	}
	if s := then.Shown; s != nil {
		fmt.Fprintf(w, "  the CRM showed  %s %s, since %s\n", score.FormatTenths(s.Score), s.Tier, moment(s.At))
	} else {
		fmt.Fprintln(w, "  the CRM showed  nothing that is kept")
	}
	was, now := make([]string, 8), thenColumn(&then.Now)
	if then.Was != nil {
		was = thenColumn(then.Was)
	}
	fmt.Fprintf(w, "\n  %-16s%-26s%s\n", "", "settings of then", "settings of now")
	for i, name := range [...]string{"score", "volume", "recency", "topics", "tier", "stage", "trend", "formula"} {
		fmt.Fprintf(w, "  %-16s%-26s%s\n", name, was[i], now[i])
	}
	if then.Note != "" {
		fmt.Fprintf(w, "\n  %s\n", then.Note)
	}
}

// thenColumn is a score, line by line.
func thenColumn(s *operate.ScoreThen) []string {
	part := func(p score.Part) string {
		return fmt.Sprintf("%5s = %d.%03d × %s", score.FormatTenths(p.Contribution), p.Weight/1000, p.Weight%1000, score.FormatTenths(p.Component))
	}
	if !s.Parts.Known {
		return []string{"none", "", "", "", s.Tier.String(), "", "", s.Formula}
	}
	return []string{fmt.Sprintf("%5s", score.FormatTenths(s.Parts.Score)), part(s.Parts.Volume), part(s.Parts.Recency), part(s.Parts.Topics),
		fmt.Sprintf("%s, by %s", s.Tier, strings.ReplaceAll(string(s.Rule), "_", " ")), s.Stage.String(), s.Trend.String(), s.Formula}
}
