package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/pipeline/operate"
)

func (c *command) suggest() *cobra.Command {
	return &cobra.Command{
		Use:   "suggest",
		Short: "List the commonest pages, forms and events that no rule covers",
		Long: `Prints lines for scoring.rules of the configuration, as a diff: the commonest forms and events that nothing knows, and the commonest pages
that count as any page, with their counts. Take those that matter, say what each is worth, or that it never counts, and look at intentd plan.`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			found, err := ask(cmd.Context(), c, app.Suggest, app.Nothing{})
			if err != nil {
				return err
			}
			return c.print(found, func(w io.Writer) { suggestText(w, found) })
		},
	}
}

func suggestText(w io.Writer, found []operate.Uncovered) {
	if len(found) == 0 {
		fmt.Fprintln(w, "nothing that came often is without a rule")
		return
	}
	fmt.Fprint(w, " scoring:\n   rules:\n")
	for _, u := range found {
		times := fmt.Sprintf("%s by %d people", plural(int(u.Times), "view"), u.People)
		switch {
		case u.Form != "":
			times = fmt.Sprintf("sent %s; ignore: true if it asks for nothing", plural(int(u.Times), "time"))
		case u.Kind != "":
			times = plural(int(u.Times), "event")
		}
		fmt.Fprintf(w, "+    - %-68s # %s\n", u.Rule(), times)
	}
}
