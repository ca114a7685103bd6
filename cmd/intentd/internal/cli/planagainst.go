package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/pipeline/operate"
	"github.com/intentd/intentd/pipeline/score"
)

// planAgainst shows what the config in a file would do to the scores there are.
func (c *command) planAgainst(ctx context.Context, file string) error {
	against, err := app.ReadFile(file)
	if err != nil {
		return &exitError{Misused, fmt.Errorf("--against: %w", err)}
	}
	e, err := ask(ctx, c, app.PlanAgainst, app.EffectArguments{Against: against})
	if err != nil {
		return err
	}
	return c.print(e, func(w io.Writer) { effectText(w, file, e) })
}

func effectText(w io.Writer, file string, e *app.Effect) {
	switch {
	case e.People == 0:
		fmt.Fprintln(w, "nobody has a score yet: intentd plan shows what a first sync would write")
	case e.Changed == 0 && e.Scores == 0:
		fmt.Fprintf(w, "%s would change no tier, and no score by enough to be written: %s have one\n", file, people(e.People))
	default:
		fmt.Fprintf(w, "%d of %s would change tier, and %d their score by enough to be written: %s, about %s of the CRM\n\n", e.Changed, people(e.People), e.Scores, plural(e.Writes, "record"), plural(e.Calls, "call"))
		effectTable(w, e.Matrix)
	}
	for _, s := range e.Samples {
		name := s.Ref
		if s.Name != "" {
			name = s.Name + " (" + s.Ref + ")"
		}
		fmt.Fprintf(w, "  %-7s → %-7s %5.1f → %5.1f  %s; then: %s\n", s.Tier, s.Then, float64(s.Score)/10, float64(s.ThenScore)/10, name, s.Why)
	}
	if len(e.Owners) > 0 {
		fmt.Fprintf(w, "\nwhose, of %s who change tier\n", people(e.Asked))
		for _, o := range e.Owners[:min(len(e.Owners), 10)] {
			who := "owner " + o.Owner
			if o.Owner == "" {
				who = "nobody's"
			}
			fmt.Fprintf(w, "  %-20s %s\n", who, plural(o.Records, "record"))
		}
		if more := len(e.Owners) - 10; more > 0 {
			fmt.Fprintf(w, "  and %s more\n", plural(more, "owner"))
		}
	}
	if slices.Contains(e.Simulated, "scoring.capacity.high") && len(e.Cuts) == 0 {
		fmt.Fprintln(w, "\nhigh would begin where it does: no owner had more who came into high in the last four weeks than there is room for")
	}
	cutsText(w, e.Cuts)
	fitText(w, e)
	if e.Gone != nil {
		fmt.Fprintf(w, "learned strengths go by %s, which no learning_profile in it names: everybody would count there as people do on average, until intentd learn\n", strings.Join(e.Gone, ", "))
	}
	if e.Damaged > 0 {
		fmt.Fprintf(w, "%s could not be read and are left out\n", plural(e.Damaged, "stored score"))
	}
	fmt.Fprintln(w)
	var untold []string
	for _, key := range e.Unknown {
		if why := e.Why(key); why != "" {
			fmt.Fprintf(w, "%s: not in the figures: %s\n", key, why)
		} else {
			untold = append(untold, key)
		}
	}
	for _, l := range []struct {
		keys []string
		say  string
	}{
		{e.Simulated, "in the figures"},
		{untold, "not in the figures, for what counts comes from journeys: intentd plan with the file as it would be shows it person by person"},
		{e.Beside, "moves no score"},
	} {
		if len(l.keys) > 0 {
			fmt.Fprintf(w, "%s: %s\n", strings.Join(l.keys, ", "), l.say)
		}
	}
	if len(e.Simulated)+len(e.Unknown)+len(e.Beside) == 0 {
		fmt.Fprintf(w, "%s says the same as the config in force\n", file)
	}
	if e.Brake {
		fmt.Fprintln(w, "write.brake would stop this change: look at it here, then let exactly it through with intentd resume")
	}
}

// cutsText tells from where high would begin, as the night after the change works it out.
func cutsText(w io.Writer, cuts []operate.CutEffect) {
	if len(cuts) == 0 {
		return
	}
	fmt.Fprintln(w, "\nhigh would begin, from the night after the change on, for whoever comes then")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range cuts[:min(len(cuts), 10)] {
		who := "owner " + c.Owner
		if c.Owner == "" {
			who = "nobody's"
		}
		fmt.Fprintf(t, "  %s\t%s → %s\t%s came into high in the last four weeks\n", who, score.FormatTenths(c.From), score.FormatTenths(c.Then), people(c.Came))
	}
	_ = t.Flush()
	if more := len(cuts) - 10; more > 0 {
		fmt.Fprintf(w, "  and for %s more\n", plural(more, "owner"))
	}
}

// fitText tells whose letter would be another one.
func fitText(w io.Writer, e *app.Effect) {
	f := e.Fit
	if f == nil {
		return
	}
	of := people(f.Asked)
	if f.Asked < e.People {
		of = fmt.Sprintf("%d of the %s, spread evenly", f.Asked, people(e.People))
	}
	fmt.Fprintf(w, "\nfit of %s, by what their records say now: %d would change letter", of, f.Changed)
	if f.Emptied > 0 {
		fmt.Fprintf(w, ", and in %d of them it would be emptied", f.Emptied)
	}
	if f.Combined > 0 {
		fmt.Fprintf(w, "; %d letter and tier in one", f.Combined)
	}
	fmt.Fprintln(w)
	for _, cell := range f.Matrix {
		fmt.Fprintf(w, "  %-4s → %-4s %6d\n", letter(cell.Fit), letter(cell.Then), cell.People)
	}
}

func letter(grade string) string { return cmp.Or(grade, "none") }

// effectTable is the table that a change of the formula is shown by, too.
func effectTable(w io.Writer, cells []operate.EffectCell) {
	tier := map[string]score.Tier{}
	for t := range score.High + 1 {
		tier[t.String()] = t
	}
	var m score.Matrix
	for _, cell := range cells {
		m[tier[cell.Tier]][tier[cell.Then]] = cell.People
	}
	fmt.Fprintf(w, "  %s\n\n", strings.ReplaceAll(m.String(), "\n", "\n  "))
}
