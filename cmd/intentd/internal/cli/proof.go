package cli

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/pipeline/learn/proof"
	"github.com/intentd/intentd/pipeline/learn/report"
)

func (c *command) proof() *cobra.Command {
	var arg app.ProofArguments
	var html string
	cmd := &cobra.Command{
		Use:   "proof",
		Short: "See what showing the score brings, against people held out",
		Long: `Sets people of whom the score is shown beside people held out (holdout.share): of whoever entered a tier in the month, and since the holdout
began, how many were won on each side, and how soon the own team dealt with them. Everybody counts on the side that they drew.

  intentd proof                                 the month that runs
  intentd proof --month 2026-11 --html page.html

It reads records, closed deals and what the CRM knows of the own team: with HubSpot when a contact was last contacted, with Salesforce tasks, calls, mails and
events. It writes nothing. HubSpot asks for the scope crm.objects.deals.read.

How soon people were dealt with is told of the people of five reps at least: of all, and of each team in proof.teams. Figures of single reps come
only with proof.by_owner: true; in many countries, Germany among them, the works council has a say in that first. See docs/configuration.md.`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := ask(cmd.Context(), c, app.Proof, arg)
			if err != nil {
				return err
			}
			if html != "" {
				if err := writeFile(html, func(w io.Writer) error { return report.WriteProof(w, r) }); err != nil {
					return err
				}
			}
			return c.print(r, func(w io.Writer) {
				proofText(w, r)
				if html != "" {
					fmt.Fprintf(w, "\nWritten: %s\n", html)
				}
			})
		},
	}
	cmd.Flags().StringVar(&arg.Month, "month", "", "the `MONTH`, as 2026-11 (default: the one that runs)")
	cmd.Flags().StringVar(&html, "html", "", "write a page with charts to this `FILE`")
	return cmd
}

func proofText(w io.Writer, r *proof.Result) {
	fmt.Fprintln(w, r.Headline())
	fmt.Fprintf(w, "%d drew to be shown, %d to be held out, %d of whom are held out no more\n", r.Shown, r.HeldOut, r.LetGo)
	for _, s := range r.Remarks {
		fmt.Fprintln(w, "  "+s)
	}
	for _, p := range r.Periods {
		fmt.Fprintf(w, "\nWho entered a tier %s\n", p.Name)
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, g := range p.Groups {
			fmt.Fprintf(t, "%s\tshown: won\theld out: won\tdifference\n", g.Title())
			for _, row := range g.Rows {
				fmt.Fprintf(t, "  %s\t%s\t%s\t%s\n", row.Tier, row.Shown.Cell(), row.HeldOut.Cell(), row.LiftCell())
				if row.Shown.Touch != nil {
					fmt.Fprintf(t, "    touched\t%s\t%s\t\n", row.Shown.TouchCell(), row.HeldOut.TouchCell())
				}
			}
		}
		_ = t.Flush() // an error of w shows where the answer is flushed
	}
}
