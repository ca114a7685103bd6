package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
)

func (c *command) forget() *cobra.Command {
	var keep bool
	cmd := &cobra.Command{
		Use:   "forget EMAIL|ID",
		Short: "Erase a person, here and from intentd's CRM fields",
		Long: `Erases all that is held about a person, empties intentd's fields in the CRM, compacts the state, and remembers a salted hash so
that they do not come back. It says what it cannot reach: sources with a copy of their own, and backups.`,
		Args: exactly("an e-mail address or a record id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			e, err := ask(cmd.Context(), c, app.Forget, app.Who{Who: args[0], KeepCRM: keep})
			if err != nil {
				return err
			}
			return c.print(e, func(w io.Writer) {
				switch {
				case len(e.Records) == 0:
					fmt.Fprintf(w, "nobody in the state goes by %s; %s of theirs erased; they stay away from now on\n", args[0], plural(e.Events, "event"))
				case keep:
					fmt.Fprintf(w, "forgotten: %s erased; the fields in the CRM stay as they are\n", plural(e.Events, "event"))
				default:
					fmt.Fprintf(w, "forgotten: %s erased; fields emptied in %s of the CRM\n", plural(e.Events, "event"), plural(e.CRMEmptied, "record"))
				}
				if len(e.Records) > 0 {
					fmt.Fprintln(w, "records: "+strings.Join(e.Records, ", "))
					fmt.Fprintln(w, "erased from the state: "+strings.Join(e.State, ", "))
				}
				for _, r := range e.Remote {
					fmt.Fprintln(w, "keeps a copy of its own, to be erased there: "+r)
				}
				for _, k := range e.Kept {
					fmt.Fprintln(w, "not reached: "+k)
				}
				if e.Backups != "" {
					fmt.Fprintln(w, "backups: "+e.Backups)
				}
				if !e.Compacted {
					fmt.Fprintln(w, "not compacted yet: erased bytes may still stand in the file until intentd compact")
				}
			})
		},
	}
	cmd.Flags().BoolVar(&keep, "keep-crm", false, "leave intentd's fields in the CRM as they are")
	return cmd
}
