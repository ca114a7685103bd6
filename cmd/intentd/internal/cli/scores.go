package cli

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/pipeline/operate"
)

func (c *command) scores() *cobra.Command {
	var since, until, format string
	cmd := &cobra.Command{
		Use:   "scores --since TIME",
		Short: "Print how scores changed, for a data warehouse",
		Long: `Prints each change of a score, tier or trend that a CRM has taken since a time: when, of which record, from what to what, and why. One line of JSON each, or CSV
with a heading; people by people, each in the order of time. Somebody with two records has two lines. The last 64 changes of a person are kept.

TIME is a duration back from now (24h, 7d), a date, which begins at midnight of text.timezone, or a moment (2026-11-28T09:00:00Z). A change at --until itself is left to the next
time, so that one run goes on where the other ended:

  intentd scores --since 2026-11-27 --until 2026-11-28 --format csv >changes.csv`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if since == "" {
				return misuse(cmd, "scores needs --since TIME")
			}
			cfg, t, done, err := c.reach(cmd.Context())
			if err != nil {
				return err
			}
			defer done()
			now := time.Now()
			from, err := momentOf("--since", since, now, cfg.Text.Location())
			if err != nil {
				return misuse(cmd, "%s", err)
			}
			to := time.Time{}
			if until != "" {
				if to, err = momentOf("--until", until, now, cfg.Text.Location()); err != nil {
					return misuse(cmd, "%s", err)
				}
			}
			out := bufio.NewWriter(c.Stdout)
			var line func(*operate.ScoreChange) error
			switch format {
			case "jsonl":
				e := json.NewEncoder(out)
				line = func(s *operate.ScoreChange) error { return e.Encode(s) }
			case "csv":
				if line, err = changesCSV(out); err != nil {
					return err
				}
			default:
				return misuse(cmd, "--format %s: choose jsonl or csv", format)
			}
			if err := app.Scores(cmd.Context(), t, from, to, line); err != nil {
				return err
			}
			return out.Flush()
		},
	}
	cmd.Flags().StringVar(&since, "since", "", "changes from this `TIME` on")
	cmd.Flags().StringVar(&until, "until", "", "changes before this `TIME`")
	cmd.Flags().StringVar(&format, "format", "jsonl", "jsonl or csv")
	return cmd
}

// momentOf reads a time that a flag gives.
func momentOf(flag, text string, now time.Time, loc *time.Location) (time.Time, error) {
	at, err := config.ParseMoment(text, now, loc)
	if err != nil {
		return at, fmt.Errorf("%s %s: %w", flag, text, err)
	}
	return at, nil
}

// changesCSV writes the heading and gives what writes a line.
func changesCSV(out io.Writer) (line func(*operate.ScoreChange) error, err error) {
	w := csv.NewWriter(out)
	write := func(cells ...string) error {
		err := w.Write(cells)
		w.Flush()
		if err == nil {
			err = w.Error()
		}
		return err
	}
	points := func(x float64) string { return strconv.FormatFloat(x, 'f', 1, 64) }
	return func(s *operate.ScoreChange) error {
		was := ""
		if s.ScoreFrom != nil {
			was = points(*s.ScoreFrom)
		}
		return write(s.At.UTC().Format(time.RFC3339), s.Person, s.CRM, s.Object, s.ID, was, points(s.Score), s.TierFrom.String(), s.Tier.String(), s.TrendFrom.String(), s.Trend.String(), s.Reason)
	}, write("at", "person", "crm", "object", "id", "score_from", "score", "tier_from", "tier", "trend_from", "trend", "reason")
}
