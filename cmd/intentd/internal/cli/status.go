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
	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/batch"
	"github.com/intentd/intentd/pipeline/learn/proof"
	"github.com/intentd/intentd/pipeline/score"
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
	healthText(w, st)
	peopleText(w, st)
	queueText(w, st)
	modelText(w, st)
	alertsText(w, st)
	learningText(w, st.Learning)
	holdoutText(w, st.Holdout)
	if st.Held.Records > 0 {
		fmt.Fprintf(w, "held       people changed fields of %s: those stay as they are until emptied, or until intentd release\n", plural(st.Held.Records, "record"))
	}
	fmt.Fprintf(w, "state      %s, %s of it free\n", size(st.State.FileBytes), size(st.State.FreeBytes))
	if st.State.LaterFailed > 0 {
		fmt.Fprintf(w, "           %s of caches and figures could not be kept, the last: %s\n", plural(int(st.State.LaterFailed), "update"), st.State.LaterError)
	}
	for _, name := range slices.Sorted(maps.Keys(st.Connectors)) {
		connectorText(w, st, name, st.At)
	}
	if n := connectors.Total(st.UnknownForms); n > 0 {
		fmt.Fprintf(w, "%-20s %s sent whose names nothing in the configuration knows; intentd doctor lists them\n", "forms", plural(int(n), "form"))
	}
	failuresText(w, st)
}

func healthText(w io.Writer, st app.Status) {
	switch {
	case st.Running:
		fmt.Fprintf(w, "%s: running since %s, version %s\n", st.Health.Status, st.Started.UTC().Format(time.RFC3339), st.Version)
	case st.Health.Status == "ok": // nobody knows whether a connector would answer now
		fmt.Fprintln(w, "no daemon runs; this is what the state file says")
	default:
		fmt.Fprintf(w, "%s: no daemon runs; this is what the state file says\n", st.Health.Status)
	}
	for _, why := range st.Health.Reasons {
		fmt.Fprintln(w, "  "+why)
	}
	for _, why := range []string{st.Brake, st.Clock, st.Reload, st.Model} {
		if why != "" {
			fmt.Fprintln(w, "  "+strings.ReplaceAll(why, "\n", "\n  "))
		}
	}
}

func peopleText(w io.Writer, st app.Status) {
	if st.Sync != nil {
		fmt.Fprintln(w, st.Sync)
	}
	fmt.Fprintf(w, "people     %d known in %s", st.People, plural(st.Contacts, "record"))
	for _, tier := range []string{"high", "medium", "low"} {
		fmt.Fprintf(w, ", %d %s", st.Tiers[tier], tier)
	}
	if st.HeldOut > 0 {
		fmt.Fprintf(w, "; %d held out, of whom nothing is written", st.HeldOut)
	}
	fmt.Fprintln(w)
	if d := st.Drift; d != nil && d.Drifted {
		fmt.Fprintf(w, "high       its share has left its own past: %s\n", d)
	}
	if st.Engine != "" && st.Engine != config.EngineFormula {
		fmt.Fprintf(w, "engine     %s\n", st.Engine)
	}
	for _, owner := range slices.Sorted(maps.Keys(st.Capacity)) {
		cut, whose := st.Capacity[owner], "for "+owner
		if owner == "" {
			whose = "for people whom nobody owns"
		}
		fmt.Fprintf(w, "capacity   high from %s %s since %s; %s within four weeks had it stayed\n", score.FormatTenths(cut.From), whose, cut.Since.Format("2 Jan"), fmt.Sprintf("%d would have come in", cut.Entries))
	}
}

// queueText is what waits, what was left out, and whether anything is written.
func queueText(w io.Writer, st app.Status) {
	fmt.Fprintf(w, "queue     ")
	for _, lane := range []string{"live", "retry", "due", "backfill"} {
		fmt.Fprintf(w, " %s %d", lane, st.Queue[lane].Depth)
	}
	fmt.Fprintf(w, "; %d on their way to the CRM, %s, %d due later\n", st.Journal, plural(st.Dead, "dead letter"), st.Due)
	if names := st.Filtered.Named(); len(names) > 0 {
		fmt.Fprintf(w, "left out   events, at each look since start: %s; explain says whose\n", strings.Join(names, ", "))
	}
	if st.Withdrew > 0 {
		fmt.Fprintf(w, "consent    withdrawn by %s since start: what was kept of them is erased\n", people(int(st.Withdrew)))
	}
	fmt.Fprintf(w, "writing    %s", st.WriteMode)
	if st.Paused {
		fmt.Fprint(w, ", paused")
	}
	if st.Running {
		fmt.Fprintf(w, "; %d written, %d rejected since start", st.Written, st.Rejected)
	}
	fmt.Fprintln(w)
}

func holdoutText(w io.Writer, h *proof.Weighed) {
	switch {
	case h == nil:
	case h.Runs:
		fmt.Fprintf(w, "holdout    runs since %s: %s\n", h.At.UTC().Format("2 Jan 2006"), h.Why)
	case h.Why != "":
		fmt.Fprintf(w, "holdout    does not begin, and everybody is written: %s\n", h.Why)
	default:
		fmt.Fprintln(w, "holdout    was not weighed yet, and everybody is written")
	}
}

// failuresText names runs and jobs that failed, and jobs that run.
func failuresText(w io.Writer, st app.Status) {
	if !st.Running {
		for _, r := range st.Runs {
			if r.Error != "" {
				fmt.Fprintf(w, "last %s failed %s ago: %s\n", r.Name, ago(st.At.Sub(r.Last)), strings.ReplaceAll(r.Error, "\n", "; "))
			}
		}
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

// learningText is what was learned and is in force, and what waits.
func learningText(w io.Writer, l *app.Learning) {
	if l == nil {
		return
	}
	if f := l.InForce; f != nil {
		fmt.Fprintf(w, "learned    number %d in force since %s: %s\n", f.Number, f.Applied.UTC().Format("2 Jan 2006"), learnedText(f))
		if f.Gone != nil {
			fmt.Fprintf(w, "learned    it goes by %s, which no learning_profile names any more: everybody counts there as people do on average; intentd learn\n", strings.Join(f.Gone, ", "))
		}
	}
	if n := l.Waits; n != nil {
		fmt.Fprintf(w, "learned    number %d of %s waits for intentd learn apply", n.Number, n.At.UTC().Format("2 Jan 2006"))
		if n.Why != "" {
			fmt.Fprintf(w, ": %s", n.Why)
		}
		fmt.Fprintln(w)
	}
	if n := l.Note; n != nil {
		fmt.Fprintf(w, "learned    nothing on %s: %s\n", n.At.UTC().Format("2 Jan 2006"), n.Why)
	}
}

// modelText is what the model costs, and when its texts come.
func modelText(w io.Writer, st app.Status) {
	if st.Texts == nil {
		fmt.Fprintln(w, "model      none: texts come from rules")
		return
	}
	fmt.Fprintf(w, "model      %.2f of %.2f USD today", st.Spent, st.Budget)
	if s := st.Texts.Spending; s != nil {
		fmt.Fprint(w, "; "+strings.Join(s.Lines(), "\n           "))
	}
	fmt.Fprintln(w)
	if st.Texts.Waiting > 0 {
		fmt.Fprintf(w, "           %s %s\n", people(st.Texts.Waiting), st.Texts.Coming())
	}
	jobsText(w, st.Batches)
}

// jobsText is how the jobs at the model's vendor stand.
func jobsText(w io.Writer, b batch.Status) {
	if b.Jobs > 0 {
		fmt.Fprintf(w, "           %s of %s under way, the oldest since %s; %s wait for them\n", plural(b.Jobs, "job"), plural(b.Prompts, "prompt"), b.Oldest.UTC().Format(time.RFC3339), people(b.Waiting))
	} else if b.Waiting > 0 {
		fmt.Fprintf(w, "           a job is being gathered; %s wait for it\n", people(b.Waiting))
	}
	if b.GivenUp > 0 {
		fmt.Fprintf(w, "           %s given up since start, the last at %s: %s\n", plural(int(b.GivenUp), "job"), b.LastGivenUp.UTC().Format(time.RFC3339), b.Why)
	}
	if b.Error != "" && b.Error != b.Why {
		fmt.Fprintln(w, "           jobs fail: "+strings.ReplaceAll(b.Error, "\n", "; "))
	}
}

// connectorText is the line of one connector. What only a daemon knows is left out where none runs.
func connectorText(w io.Writer, st app.Status, name string, now time.Time) {
	conn := st.Connectors[name]
	var parts []string
	if st.Running {
		if conn.OK {
			parts = append(parts, "ok")
		} else {
			parts = append(parts, fmt.Sprintf("%s since %s: %s", conn.Kind, conn.Since.UTC().Format(time.RFC3339), conn.Error))
		}
		traffic := fmt.Sprintf("%d calls, %d answered 429", conn.Report.Calls, conn.Report.RateLimited)
		if conn.Report.Calls > 0 && conn.Report.DailyRemaining >= 0 {
			traffic += fmt.Sprintf(", %d of %d left today", conn.Report.DailyRemaining, conn.Report.DailyLimit)
		}
		if conn.Report.Used != "" {
			traffic += ", " + conn.Report.Used + " used today"
		}
		parts = append(parts, traffic)
	}
	for _, work := range []string{"poll", "listen", "sweep", "write"} {
		if at, ok := st.LastGood[work+"/"+name]; ok {
			parts = append(parts, fmt.Sprintf("last good %s %s ago", work, ago(now.Sub(at))))
		}
	}
	if st.FirstSync[name] {
		parts = append(parts, "first sync not done")
	}
	if len(parts) == 0 {
		parts = []string{"not asked yet"}
	}
	fmt.Fprintf(w, "%-20s %s\n", name, strings.Join(parts, "; "))
	if conn.Followed != nil {
		fmt.Fprintf(w, "%-20s %s\n", "", followedText(conn.Followed, now))
	}
	if conn.Intake != nil && conn.Intake.Read+conn.Intake.Events > 0 {
		fmt.Fprintf(w, "%-20s %s\n", "", intakeText(conn.Intake))
	}
}

// followedText is how far a CRM's log of changes was read.
func followedText(f *connectors.Followed, now time.Time) string {
	parts := []string{fmt.Sprintf("its log of changes read to the end %s ago", ago(now.Sub(f.CaughtUp)))}
	for _, reason := range connectors.Commonest(f.Skipped, len(f.Skipped)) {
		parts = append(parts, fmt.Sprintf("%d skipped: %s", f.Skipped[reason], reason))
	}
	if f.Gaps > 0 {
		parts = append(parts, fmt.Sprintf("%s in it, the last from %s to %s", plural(int(f.Gaps), "gap"), f.GapFrom.UTC().Format(time.RFC3339), f.GapTo.UTC().Format(time.RFC3339)))
	}
	if !f.Removed.IsZero() {
		parts = append(parts, "stopped since "+f.Removed.UTC().Format(time.RFC3339)+", for the app was uninstalled")
	}
	return strings.Join(parts, "; ")
}

// intakeText is what became of what a source told; zeros are not said.
func intakeText(i *connectors.Intake) string {
	parts := []string{plural(int(i.Events), "event") + " kept"}
	add := func(n int64, what string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
	}
	add(i.Anonymous, "of them by nobody known yet")
	if i.Proposed > 0 {
		parts = append(parts, fmt.Sprintf("%d times a visitor said who they are, %d of them confirmed", i.Proposed, i.Confirmed))
	}
	add(i.Unread(), "unreadable")
	for _, reason := range connectors.Commonest(i.LeftOut, len(i.LeftOut)) {
		add(i.LeftOut[reason], "left out: "+reason)
	}
	add(connectors.Total(i.UnknownKinds), "of unknown kinds")
	add(i.ReusedIDs, "ids used for several things")
	if i.People > 0 {
		parts = append(parts, fmt.Sprintf("%d %% of the people in a CRM", (i.People-i.Strangers)*100/i.People))
	}
	return strings.Join(parts, "; ")
}

// size is a number of bytes as people say it.
func size(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d KiB", (n+1023)>>10)
	}
	return fmt.Sprintf("%d MiB", n>>20)
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
