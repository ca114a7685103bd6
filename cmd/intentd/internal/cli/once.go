package cli

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intake"
	"github.com/intentd/intentd/pipeline/operate"
	"github.com/intentd/intentd/state"
)

// misconfigured gives errors that only a change of configuration mends the exit code 2.
func misconfigured(err error) error {
	if connectors.KindOf(err) == connectors.Config || errors.Is(err, state.ErrNewer) {
		return &exitError{Misused, err}
	}
	return err
}

// round is what a round did, for --json.
type round struct {
	Found    intake.Found `json:"found"`
	Written  int64        `json:"written"`
	Rejected int64        `json:"rejected"`
	Dead     int          `json:"dead_letters"`
	Waiting  int          `json:"waiting"` // people who could be worked out, or written, and were not
	Why      string       `json:"why_waiting,omitempty"`
	Reasons  []string     `json:"degraded,omitempty"`
	Error    string       `json:"error,omitempty"`
	// Model is what the model was asked and cost in this round, by stage and person; left out if nothing.
	Model *app.Spending `json:"model,omitempty"`
}

// waiting is how many people and patches a round left undone, with the reason, and how many only wait for their own time.
func waiting(st operate.Status) (undone, later int, why string) {
	var parts []string
	note := func(n int, format string, args ...any) {
		if n > 0 {
			undone += n
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	stopped := "nobody could take them up: intentd status"
	switch {
	case st.Paused:
		stopped = "an admin paused writing: intentd resume"
	case st.Brake != "":
		stopped = "the brake stopped writing: intentd plan, then intentd resume"
	case st.Clock != "":
		stopped = "the clock is not trusted: " + st.Clock
	}
	for _, name := range slices.Sorted(maps.Keys(st.Connectors)) {
		if c := st.Connectors[name]; !c.OK {
			stopped = name + ": " + c.Error
			break
		}
	}
	ready := 0
	for _, lane := range []string{"live", "due", "backfill"} {
		if q := st.Queue[lane]; q.Oldest.IsZero() {
			later += q.Depth
		} else {
			ready += q.Depth
		}
	}
	note(ready, "%s waiting (%s)", people(ready), stopped)
	note(st.Queue["retry"].Depth, "%s to be tried again later, for an earlier attempt failed", people(st.Queue["retry"].Depth))
	if st.Journal > 0 {
		undone = max(undone, st.Journal) // most are patches of people counted above
		parts = append(parts, fmt.Sprintf("%d patches are not acknowledged by the CRM", st.Journal))
	}
	return undone, later, strings.Join(parts, "; ")
}

func people(n int) string {
	if n == 1 {
		return "1 person"
	}
	return fmt.Sprintf("%d people", n)
}

func (c *command) once() *cobra.Command {
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "once",
		Short: "Do what is due now, then end",
		Long: `Polls every CRM and source, does the first sync where it has not been done, works through the queue and ends: for a timer in
place of the daemon. What could not be done now waits in the state for the next round; so do the answers of
a bulk job that takes longer than --wait, which the next round fetches. Exit code 0 means that all was done, 3 that people wait (it says
why), that there are dead letters, or that something is degraded. What the model was asked and cost in the round is told by stage and per person.`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := c.load()
			if err != nil {
				return err
			}
			ctx := cmd.Context()
			if _, err := app.Dial(ctx, cfg.SocketPath()); err == nil {
				return errors.New("a daemon runs on this state and does this by itself: see intentd status")
			}
			a, err := app.Open(app.Options{Config: cfg, Path: c.file, Log: c.quietLog(cfg), Version: c.Version, Wait: wait})
			if err != nil {
				return misconfigured(err)
			}
			defer c.closed(a)
			stop := c.progress(ctx, func() string { return a.Waiting(ctx) })
			spent := a.Meter()
			found, err := a.Once(ctx)
			stop()
			st, health := operate.StatusOf(a.Pipeline()), a.Health()
			r := round{Found: found, Written: st.Written, Rejected: st.Rejected, Dead: st.Dead, Reasons: health.Reasons, Model: spent()}
			var later int
			r.Waiting, later, r.Why = waiting(st)
			if err != nil {
				r.Error = err.Error()
			}
			if perr := c.print(r, func(w io.Writer) {
				fmt.Fprintf(w, "%s seen, %d queued; %s written, %s, %d waiting\n", plural(found.Seen, "record"), found.Queued, plural(int(r.Written), "record"), plural(r.Dead, "dead letter"), r.Waiting)
				if r.Why != "" {
					fmt.Fprintln(w, "not done: "+r.Why)
				}
				if later > 0 {
					fmt.Fprintf(w, "%s to be looked at again later: one write an hour each at most, a second look after a retry, the model's texts by score\n", people(later))
				}
				if r.Model != nil {
					fmt.Fprintln(w, "model: "+strings.Join(r.Model.Lines(), "\n  "))
				}
				for _, why := range r.Reasons {
					fmt.Fprintln(w, "degraded: "+why)
				}
			}); perr != nil {
				return perr
			}
			switch {
			case err != nil:
				return err
			case len(r.Reasons) > 0 || r.Why != "" || r.Dead > 0:
				return &exitError{code: Degraded}
			}
			return nil
		},
	}
	cmd.Flags().DurationVar(&wait, "wait", 2*time.Minute, "for how long a bulk job of Salesforce is waited for; 0 is as long as it takes")
	return cmd
}
