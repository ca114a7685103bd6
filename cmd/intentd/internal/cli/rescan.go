package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
)

func (c *command) rescan() *cobra.Command {
	var arg app.RescanArguments
	cmd := &cobra.Command{
		Use:   "rescan",
		Short: "Have everybody worked out anew",
		Long: `Everybody joins the backfill and is worked out anew from what the sources say: what is not material is not written, and a model is
asked only for those whose events changed. With --texts everybody's texts are asked for anew as well, the highest scores first, within
model.daily_budget_usd: after a change of the model or of its prompts, which by itself asks for nothing.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			n, err := ask(cmd.Context(), c, app.Rescan, arg)
			if err != nil {
				return err
			}
			return c.print(map[string]int{"people": n}, func(w io.Writer) {
				fmt.Fprintf(w, "%d people will be worked out anew; intentd status shows the queue\n", n)
			})
		},
	}
	cmd.Flags().BoolVar(&arg.Texts, "texts", false, "the texts of the model, too")
	return cmd
}
