package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/pipeline/learn"
	"github.com/intentd/intentd/pipeline/operate"
)

func (c *command) suggest() *cobra.Command {
	return &cobra.Command{
		Use:   "suggest",
		Short: "List the commonest pages, forms and events that no rule covers",
		Long: `Prints lines for scoring.rules of the configuration, as a diff: the commonest forms and events that nothing knows, and the commonest pages
that count as any page, with their counts. Take those that matter, say what each is worth, or that it never counts, and look at intentd plan.

Once intentd learn went over closed deals, by command or by schedule, each line says how many of the people of won deals did it before their deal was
created, and how many of all.`,
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
	var deals *learn.Share
	for _, u := range found {
		times := fmt.Sprintf("%s by %d people", plural(int(u.Times), "view"), u.People)
		switch {
		case u.Form != "":
			times = fmt.Sprintf("sent %s; ignore: true if it asks for nothing", plural(int(u.Times), "time"))
		case u.Kind != "":
			times = plural(int(u.Times), "event")
		}
		if u.Deals != nil {
			deals = u.Deals
			times += "; before a deal: " + shareText(u.Deals)
		}
		fmt.Fprintf(w, "+    - %-68s # %s\n", u.Rule(), times)
	}
	if deals != nil {
		fmt.Fprintf(w, "Before a deal: until a day before it was created, of deals closed since %s, as intentd learn went over them on %s.\n", deals.Since.Format("2 Jan 2006"), deals.At.Format("2 Jan 2006"))
	} else {
		fmt.Fprintln(w, "Once intentd learn went over closed deals, it is told here how many people of won deals did each.")
	}
}

func shareText(s *learn.Share) string {
	if s.People == 0 {
		return fmt.Sprintf("fewer than 3 of %d people", s.OfPeople)
	}
	return fmt.Sprintf("%d of %d people of won ones, %d of %d of all", s.Won, s.OfWon, s.People, s.OfPeople)
}
