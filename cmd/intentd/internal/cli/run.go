package cli

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
)

// grace is how long work under way may take to end. A container's default is 10 s to the kill, systemd's 90; the Dockerfile
// and the unit give more than this.
const grace = 20 * time.Second

func (c *command) run() *cobra.Command {
	return &cobra.Command{
		Use:   "run",
		Short: "Run the daemon",
		Long: `Runs until SIGTERM or SIGINT, and then ends what is under way, for at most 20 seconds. SIGHUP reads the configuration again;
a file with mistakes changes nothing. Health and metrics are answered at http.listen, the other commands through a socket
beside the state file.`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := c.load()
			if err != nil {
				return err
			}
			log := app.NewLog(c.Stderr, cfg)
			a, err := app.Open(app.Options{Config: cfg, Path: c.file, Log: log, Version: c.Version, Page: newPage})
			if err != nil {
				return misconfigured(err)
			}
			if err := a.Start(cmd.Context()); err != nil {
				return errors.Join(err, a.Close())
			}
			return c.attend(cmd.Context(), a)
		},
	}
}

// attend lets an app work until ctx ends or it fails, and then has it end what is under way.
func (c *command) attend(ctx context.Context, a *app.App) error {
	var failed error
	for stopping := false; !stopping; {
		select {
		case <-ctx.Done():
			stopping = true
		case failed = <-a.Failed():
			stopping = true
		case <-c.Reload:
			_, _ = a.Reload(ctx) // logged, and shown by status: the old configuration goes on
		}
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	return errors.Join(failed, a.Stop(end))
}
