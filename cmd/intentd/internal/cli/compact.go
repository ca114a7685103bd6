package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
)

func (c *command) compact() *cobra.Command {
	return &cobra.Command{
		Use:   "compact",
		Short: "Rewrite state file and event store without what was deleted in them",
		Args:  exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := ask(cmd.Context(), c, app.Compact, app.Nothing{})
			if err != nil {
				return err
			}
			return c.print(r, func(w io.Writer) {
				fmt.Fprintf(w, "state: %d bytes before, %d after\n", r.Before, r.After)
				if r.EventsBefore > 0 {
					fmt.Fprintf(w, "event store: %d bytes before, %d after\n", r.EventsBefore, r.EventsAfter)
				}
			})
		},
	}
}
