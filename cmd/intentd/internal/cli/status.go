package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
)

func (c *command) status() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show how intentd is doing",
		Long:  "Shows health, connectors, queue, tiers, cost and jobs. Exit code 3 when something is degraded or failing.",
		Args:  exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			st, err := ask(cmd.Context(), c, app.StatusOf, app.Nothing{})
			if err != nil {
				return err
			}
			if err := c.print(st, func(w io.Writer) { statusText(w, st) }); err != nil {
				return err
			}
			if st.Health.Status != "ok" {
				return &exitError{code: Degraded}
			}
			return nil
		},
	}
}

func statusText(w io.Writer, st app.Status) {
	now := st.At
	if st.Running {
		fmt.Fprintf(w, "%s: running since %s, version %s\n", st.Health.Status, st.Started.UTC().Format(time.RFC3339), st.Version)
	} else {
		fmt.Fprintf(w, "%s: no daemon runs; this is what the state file says\n", st.Health.Status)
	}
	for _, why := range st.Health.Reasons {
		fmt.Fprintln(w, "  "+why)
	}
	for _, why := range []string{st.Brake, st.Clock, st.Reload} {
		if why != "" {
			fmt.Fprintln(w, "  "+why)
		}
	}
	fmt.Fprintf(w, "people     %d known in %s", st.People, plural(st.Contacts, "record"))
	for _, tier := range []string{"high", "medium", "low"} {
		fmt.Fprintf(w, ", %d %s", st.Tiers[tier], tier)
	}
	fmt.Fprintln(w)
	fmt.Fprintf(w, "queue     ")
	for _, lane := range []string{"live", "retry", "due", "backfill"} {
		fmt.Fprintf(w, " %s %d", lane, st.Queue[lane].Depth)
	}
	fmt.Fprintf(w, "; %d on their way to the CRM, %s, %d due later\n", st.Journal, plural(st.Dead, "dead letter"), st.Due)
	fmt.Fprintf(w, "writing    %s", st.WriteMode)
	if st.Paused {
		fmt.Fprint(w, ", paused")
	}
	fmt.Fprintf(w, "; %d written, %d rejected since start\n", st.Written, st.Rejected)
	fmt.Fprintf(w, "model      %.2f of %.2f USD today\n", st.Spent, st.Budget)
	fmt.Fprintf(w, "state      %d MiB, %d MiB of it free\n", st.State.FileBytes>>20, st.State.FreeBytes>>20)
	for _, name := range slices.Sorted(maps.Keys(st.Connectors)) {
		conn := st.Connectors[name]
		fmt.Fprintf(w, "%-20s ", name)
		if conn.OK {
			fmt.Fprint(w, "ok")
		} else {
			fmt.Fprintf(w, "%s since %s: %s", conn.Kind, conn.Since.UTC().Format(time.RFC3339), conn.Error)
		}
		fmt.Fprintf(w, "; %d calls, %d answered 429", conn.Report.Calls, conn.Report.RateLimited)
		if conn.Report.DailyRemaining >= 0 {
			fmt.Fprintf(w, ", %d of %d left today", conn.Report.DailyRemaining, conn.Report.DailyLimit)
		}
		for _, work := range []string{"poll", "listen", "sweep", "write"} {
			if at, ok := st.LastGood[work+"/"+name]; ok {
				fmt.Fprintf(w, "; last good %s %s ago", work, ago(now.Sub(at)))
			}
		}
		if st.FirstSync[name] {
			fmt.Fprint(w, "; first sync not done")
		}
		fmt.Fprintln(w)
	}
	for _, j := range st.Jobs {
		switch {
		case j.Running:
			fmt.Fprintf(w, "job %-28s runs since %s\n", j.Name, j.Last.UTC().Format(time.RFC3339))
		case j.Error != "":
			fmt.Fprintf(w, "job %-28s failed: %s\n", j.Name, strings.ReplaceAll(j.Error, "\n", "; "))
		}
	}
}

// ago is a duration as people say it.
func ago(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(max(0, d).Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}
