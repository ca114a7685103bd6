package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/pipeline/operate"
)

func (c *command) pause() *cobra.Command {
	return &cobra.Command{
		Use:   "pause",
		Short: "Stop writing until resume; polls go on, nothing is lost",
		Args:  exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := ask(cmd.Context(), c, app.Pause, app.Nothing{}); err != nil {
				return err
			}
			return c.print(map[string]bool{"paused": true}, func(w io.Writer) { fmt.Fprintln(w, "paused") })
		},
	}
}

func (c *command) resume() *cobra.Command {
	return &cobra.Command{
		Use:   "resume",
		Short: "Go on after a pause or the brake, and give stopped connectors another chance",
		Args:  exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			did, err := ask(cmd.Context(), c, app.Resume, app.Nothing{})
			if err != nil {
				return err
			}
			return c.print(did, func(w io.Writer) { resumedText(w, did) })
		},
	}
}

func resumedText(w io.Writer, did operate.Resumed) {
	if did.Paused {
		fmt.Fprintln(w, "the pause is over: lots and writes go on")
	}
	if did.Brake != "" {
		fmt.Fprintf(w, "the brake is released, once, for what it held back: %s\n", did.Brake)
	}
	if did.Connectors != nil {
		fmt.Fprintf(w, "asked again at once: %s\n", strings.Join(did.Connectors, ", "))
	}
	if did.People > 0 {
		fmt.Fprintf(w, "%s who waited for a time come at once\n", people(did.People))
	}
	if !did.Paused && did.Brake == "" && did.Connectors == nil && did.People == 0 {
		fmt.Fprintln(w, "nothing was held: no pause, no brake, no stopped connector, nobody who waits for a time")
	}
}
