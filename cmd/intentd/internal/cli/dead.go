package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
)

func (c *command) dead() *cobra.Command {
	dead := &cobra.Command{
		Use:   "dead",
		Short: "List, retry or drop dead letters",
		Long: `A dead letter is a record that the CRM refuses as things stand, with the CRM's own words. It is tried again by itself when the
record or the configuration changes.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return misuse(cmd, "dead needs list, retry or drop")
			}
			return misuse(cmd, "there is no dead %s: use list, retry or drop", args[0])
		},
		RunE: func(*cobra.Command, []string) error { return nil },
	}
	dead.AddCommand(
		&cobra.Command{
			Use:   "list",
			Short: "List dead letters",
			Args:  exactly(),
			RunE: func(cmd *cobra.Command, _ []string) error {
				letters, err := ask(cmd.Context(), c, app.DeadList, app.Nothing{})
				if err != nil {
					return err
				}
				return c.print(letters, func(w io.Writer) {
					if len(letters) == 0 {
						fmt.Fprintln(w, "no dead letters")
					}
					for _, l := range letters {
						ref := l.Ref
						if ref == "" {
							ref = "(a person)"
						}
						if l.Name != "" {
							ref += "  " + shown(l.Name)
						}
						said := l.Message
						if l.Code != "" {
							said = l.Code + ": " + said
						}
						fmt.Fprintf(w, "%s\n    %s, %s since %s\n    %s\n    → %s\n", ref, l.Op, plural(l.Attempts, "attempt"), l.First.UTC().Format("2 Jan 2006 15:04 UTC"), said, l.Fix)
					}
				})
			},
		},
		c.deadEach("retry", "Try dead letters again: that of a record, or --all", app.DeadRetry, "queued again"),
		c.deadEach("drop", "Give dead letters up: that of a record, or --all", app.DeadDrop, "dropped"),
	)
	return dead
}

func (c *command) deadEach(name, short string, o app.Operation[app.Letters, int], did string) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   name + " RECORD|--all",
		Short: short,
		RunE: func(cmd *cobra.Command, args []string) error {
			var ref string
			if len(args) == 1 {
				ref = args[0]
			}
			n, err := ask(cmd.Context(), c, o, app.Letters{Ref: ref})
			if err != nil {
				return err
			}
			if n == 0 && ref != "" {
				return fmt.Errorf("there is no dead letter of %s", ref)
			}
			return c.print(map[string]int{"letters": n}, func(w io.Writer) { fmt.Fprintf(w, "%s %s\n", plural(n, "dead letter"), did) })
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "all dead letters")
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if all != (len(args) == 0) || len(args) > 1 {
			return misuse(cmd, "name one record (hubspot/contacts/101), or --all")
		}
		return nil
	}
	return cmd
}
