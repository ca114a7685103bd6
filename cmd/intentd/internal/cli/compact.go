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
		Short: "Rewrite the state file without what was deleted in it",
		Args:  exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := ask(cmd.Context(), c, app.Compact, app.Nothing{})
			if err != nil {
				return err
			}
			return c.print(r, func(w io.Writer) { fmt.Fprintf(w, "%d bytes before, %d after\n", r.Before, r.After) })
		},
	}
}
