package cli

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/pipeline/operate"
	"github.com/intentd/intentd/pipeline/score"
)

func (c *command) people() *cobra.Command {
	var arg app.PeopleArguments
	var high, medium float64
	var name string
	cmd := &cobra.Command{
		Use:   "people",
		Short: "List people by rank, and see what other tier lines would do",
		Long: `Lists people as the CRM shows them, by tier and score, the highest first: 50 at a time, with names read from the CRM in one call. A filter finds
those who fit through the whole ranking; --after goes on where a list ended.

With --high or --medium it says how many people would be of each tier if the lines lay there, as of the last look at everybody's evidence, at most a
day ago. Nobody is worked out for that, and nothing is changed.`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, t, done, err := c.reach(cmd.Context())
			if err != nil {
				return err
			}
			defer done()
			if name != "" {
				found, err := app.PeopleNamed.Do(cmd.Context(), t, app.Named{Name: name})
				if err != nil {
					return err
				}
				return c.print(found, func(w io.Writer) { printPeople(w, found) })
			}
			arg.Lines = operate.Lines{High: int(math.Round(high * 10)), Medium: int(math.Round(medium * 10))}
			found, err := app.People.Do(cmd.Context(), t, arg)
			if err != nil {
				return err
			}
			return c.print(found, func(w io.Writer) { printPeople(w, found) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&name, "name", "", "find people by `NAME` through the CRM's own search, in one call, in the place of the list")
	f.StringVar(&arg.Tier, "tier", "", "only those of a `TIER`: high, medium, low or unknown")
	f.StringVar(&arg.Trend, "trend", "", "only those of a `TREND`: new, surging, rising, steady or cooling")
	f.StringVar(&arg.Stage, "stage", "", "only those of a `STAGE`: exploring, comparing or deciding")
	f.StringVar(&arg.Product, "product", "", "only those who lean to a `PRODUCT`")
	f.StringVar(&arg.Owner, "owner", "", "only those whose record is owned by `ID`, as the CRM has it")
	f.StringVar(&arg.After, "after", "", "go on after the `END` of a list")
	f.IntVar(&arg.Limit, "limit", operate.PeopleAtATime, "list at most `N`")
	f.Float64Var(&high, "high", 0, "say what a line of high at so many `POINTS` would do")
	f.Float64Var(&medium, "medium", 0, "say what a line of medium at so many `POINTS` would do")
	return cmd
}

func printPeople(w io.Writer, found *app.RankedPeople) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, p := range found.People {
		is := score.FormatTenths(p.Score)
		if p.Tier == score.TierUnknown.String() {
			is = "-"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", is, p.Tier, cmp.Or(p.Trend, "-"), cmp.Or(p.Stage, "-"), cmp.Or(p.Name, p.Ref, p.Person), cmp.Or(p.Company, "-"), p.Headline)
	}
	_ = t.Flush() // w's own failure is told by its owner
	if len(found.People) == 0 {
		fmt.Fprintln(w, "nobody")
	}
	if found.Unnamed != "" {
		fmt.Fprintf(w, "without names: %s\n", found.Unnamed)
	}
	if found.Next != "" {
		fmt.Fprintf(w, "\nthere are more: --after %s\n", found.Next)
	}
	h := found.Histogram
	if h == nil {
		return
	}
	tiers := func(of operate.TierCounts) string {
		return fmt.Sprintf("%d high, %d medium, %d low", of.High, of.Medium, of.Low)
	}
	fmt.Fprintf(w, "\n%d people have a score: %s (lines at %s and %s)\n", h.People, tiers(h.Tiers), score.FormatTenths(h.Lines.High), score.FormatTenths(h.Lines.Medium))
	if then := h.Then; then != nil {
		fmt.Fprintf(w, "with lines at %s and %s: %s; %d would become high, %d would no longer be\n", score.FormatTenths(then.Lines.High), score.FormatTenths(then.Lines.Medium), tiers(then.Tiers), then.Become, then.Leave)
	}
}
