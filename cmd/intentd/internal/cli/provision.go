package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/connectors"
)

// done are the actions of a plan that was carried out.
var done = map[connectors.FieldAction]string{
	connectors.FieldCreate: "created", connectors.FieldUpdate: "updated", connectors.FieldAdopt: "adopted", connectors.FieldRemove: "removed",
}

func (c *command) provision() *cobra.Command {
	var arg app.ProvisionArguments
	cmd := &cobra.Command{
		Use:   "provision",
		Short: "Make intentd's fields in the CRM: a plan, then --apply",
		Long: `Shows what would be done in each CRM, and does it with --apply. It can be repeated. With --remove it plans, or with --apply does,
the removal of the fields that intentd made.`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			t, file, release, err := c.answerer(cmd.Context())
			if err != nil {
				return err
			}
			defer release()
			arg.File = file
			all, err := app.Provision.Do(cmd.Context(), t, arg)
			if err != nil {
				return err
			}
			failed, planned := false, 0
			for _, p := range all {
				failed = failed || p.Error != ""
				for _, s := range p.Steps {
					if s.Action == connectors.FieldRefuse {
						failed = true
					} else if s.Action != connectors.FieldOK {
						planned++
					}
				}
			}
			if err := c.print(all, func(w io.Writer) {
				for _, p := range all {
					fmt.Fprintln(w, p.CRM)
					for _, s := range p.Steps {
						action, did := string(s.Action), arg.Apply && p.Error == "" && done[s.Action] != ""
						if did {
							action = done[s.Action]
						}
						fmt.Fprintf(w, "  %-7s %s %s", action, s.Object, s.Property)
						if s.Why != "" && !did {
							fmt.Fprintf(w, ": %s", s.Why)
						}
						fmt.Fprintln(w)
						if s.Fix != "" {
							fmt.Fprintf(w, "          → %s\n", s.Fix)
						}
					}
					for _, m := range p.Manual {
						fmt.Fprintln(w, "  by hand: "+m)
					}
					if p.Error != "" {
						fmt.Fprintln(w, "  failed: "+p.Error)
					}
				}
				switch {
				case failed:
				case planned == 0:
					fmt.Fprintln(w, "nothing to do")
				case arg.Apply:
					fmt.Fprintf(w, "%s done\n", plural(planned, "step"))
				default:
					fmt.Fprintf(w, "%s planned: run it again with --apply\n", plural(planned, "step"))
				}
			}); err != nil {
				return err
			}
			if failed {
				return &exitError{code: Failed}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&arg.Apply, "apply", false, "do it")
	cmd.Flags().BoolVar(&arg.Remove, "remove", false, "remove the fields that intentd made")
	return cmd
}
