package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

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
	if e.Damaged > 0 {
		fmt.Fprintf(w, "%s could not be read and are left out\n", plural(e.Damaged, "stored score"))
	}
	fmt.Fprintln(w)
	for _, l := range []struct {
		keys []string
		say  string
	}{
		{e.Simulated, "in the figures"},
		{e.Unknown, "not in the figures, for what counts comes from journeys: intentd plan with the file as it would be shows it person by person"},
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
