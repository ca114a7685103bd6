package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
)

func (c *command) pause() *cobra.Command {
	return c.plain("pause", "Stop writing until resume; polls go on, nothing is lost", app.Pause, "paused")
}

func (c *command) resume() *cobra.Command {
	return c.plain("resume", "Go on after a pause or the brake, and give stopped connectors another chance", app.Resume, "resumed")
}

// plain is a command that is an operation without arguments or result.
func (c *command) plain(name, short string, o app.Operation[app.Nothing, app.Nothing], did string) *cobra.Command {
	return &cobra.Command{
		Use:   name,
		Short: short,
		Args:  exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := ask(cmd.Context(), c, o, app.Nothing{}); err != nil {
				return err
			}
			return c.print(map[string]bool{did: true}, func(w io.Writer) { fmt.Fprintln(w, did) })
		},
	}
}
