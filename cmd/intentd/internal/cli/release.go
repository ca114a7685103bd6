package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/connectors"
)

func (c *command) release() *cobra.Command {
	var all bool
	var arg app.ReleaseArguments
	cmd := &cobra.Command{
		Use:   "release [--field FIELD] PERSON|--all",
		Short: "Let go of fields that a person changed, so that they are updated again",
		Long: `A field of intentd's that a person changed in the CRM stays as they left it, until they empty it. Release lets it go: the next
write, which follows at once, takes it again. What somebody changes after that is theirs again. PERSON is an e-mail address, a record
of the CRM ("hubspot/contacts/101", or 101) or a person key; FIELD is one of intentd's fields, such as score. intentd explain PERSON
shows what is held, intentd doctor how much there is.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				arg.Who = args[0]
			}
			done, err := ask(cmd.Context(), c, app.Release, arg)
			if err != nil {
				return err
			}
			if err := c.print(done, func(w io.Writer) {
				if done.Records == 0 && len(done.Unread) == 0 {
					fmt.Fprintln(w, "no field is held there")
					return
				}
				fmt.Fprintf(w, "%s of %s let go; they are written again soon\n", plural(done.Fields, "field"), plural(done.Records, "record"))
				if n := len(done.Unread); n > 0 {
					fmt.Fprintf(w, "%s could not be read and stay held: %s\n", plural(n, "record"), done.Failure)
				}
			}); err != nil {
				return err
			}
			if len(done.Unread) > 0 {
				return &exitError{code: Degraded}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "everybody's")
	cmd.Flags().StringVar(&arg.Field, "field", "", "this `FIELD` alone")
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if all != (len(args) == 0) || len(args) > 1 {
			return misuse(cmd, "name one person, or --all")
		}
		if names := releasable(); arg.Field != "" && !slices.Contains(names, arg.Field) {
			return misuse(cmd, "intentd has no field %q: %s", arg.Field, strings.TrimSuffix(connectors.Suggest(arg.Field, names), "?"))
		}
		return nil
	}
	_ = cmd.RegisterFlagCompletionFunc("field", cobra.FixedCompletions(releasable(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// releasable are intentd's fields bar the rep's own.
func releasable() (names []string) {
	for _, f := range connectors.AllPersonFields().Fields {
		if !f.RepEdits {
			names = append(names, f.Name)
		}
	}
	return names
}
