package cli

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/pipeline/receipt"
)

func (c *command) explain() *cobra.Command {
	return &cobra.Command{
		Use:   "explain EMAIL|ID",
		Short: "Show why a person has their score",
		Long: `Shows the receipt of a person's last score: the parts with what went into each, every signal, topic and sentence with its
events, what the person is known by and why, what comes next, and whether it all adds up. ID is a record of the CRM ("hubspot/contacts/101", or 101).`,
		Args: exactly("an e-mail address or a record id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, t, done, err := c.reach(cmd.Context())
			if err != nil {
				return err
			}
			defer done()
			r, err := app.Explain.Do(cmd.Context(), t, app.Who{Who: args[0]})
			if err != nil {
				return err
			}
			var failed error
			err = c.print(r, func(w io.Writer) { failed = r.Text(w, receipt.TextOptions{Location: cfg.Text.Location()}) })
			if err == nil {
				err = failed
			}
			return err
		},
	}
}
