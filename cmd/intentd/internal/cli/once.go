package cli

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline"
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
	Found    pipeline.Found `json:"found"`
	Written  int64          `json:"written"`
	Rejected int64          `json:"rejected"`
	Dead     int            `json:"dead_letters"`
	Waiting  int            `json:"waiting"`
	Reasons  []string       `json:"degraded,omitempty"`
	Error    string         `json:"error,omitempty"`
}

func (c *command) once() *cobra.Command {
	return &cobra.Command{
		Use:   "once",
		Short: "Do what is due now, then end",
		Long: `Polls every CRM and source, does the first sync where it has not been done, works through the queue and ends: for a timer in
place of the daemon. What could not be done now waits in the state for the next round.`,
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
			a, err := app.Open(app.Options{Config: cfg, Path: c.file, Log: c.quietLog(cfg), Version: c.Version})
			if err != nil {
				return misconfigured(err)
			}
			defer c.closed(a)
			stop := c.progress(ctx, a.Waiting)
			found, err := a.Once(ctx)
			stop()
			st, health := a.Pipeline().Status(), a.Health()
			r := round{Found: found, Written: st.Written, Rejected: st.Rejected, Dead: st.Dead, Reasons: health.Reasons}
			for _, lane := range st.Queue {
				r.Waiting += lane.Depth
			}
			if err != nil {
				r.Error = err.Error()
			}
			if perr := c.print(r, func(w io.Writer) {
				fmt.Fprintf(w, "%s seen, %d queued; %s written, %s, %d waiting\n", plural(found.Seen, "record"), found.Queued, plural(int(r.Written), "record"), plural(r.Dead, "dead letter"), r.Waiting)
				for _, why := range r.Reasons {
					fmt.Fprintln(w, "degraded: "+why)
				}
			}); perr != nil {
				return perr
			}
			switch {
			case err != nil:
				return err
			case len(r.Reasons) > 0:
				return &exitError{code: Degraded}
			}
			return nil
		},
	}
}
