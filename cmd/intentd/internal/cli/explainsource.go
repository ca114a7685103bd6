package cli

import (
	"cmp"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/receipt"
)

// explainSource shows what a source is asked about a person, or, of nobody, who was active, and what becomes of the answer.
func (c *command) explainSource(cmd *cobra.Command, source, who string) error {
	cfg, t, done, err := c.reach(cmd.Context())
	if err != nil {
		return err
	}
	defer done()
	told, err := app.ExplainSource.Do(cmd.Context(), t, app.SourceQuestion{Source: source, Who: who})
	if err != nil {
		return err
	}
	err = c.print(told, func(w io.Writer) { toldPage{w, told, cfg.Text.Location()}.print() })
	for _, asked := range told.Asked {
		if err == nil && asked.Failed != "" {
			err = fmt.Errorf("%s failed: %s", asked.What, asked.Failed)
		}
	}
	return err
}

// shownRows is how many rows of an answer are printed; --json holds all that were looked at.
const shownRows = 100

// toldPage prints what a source was asked and told.
type toldPage struct {
	w    io.Writer
	t    *pipeline.Told
	zone *time.Location
}

func (p toldPage) print() {
	if who := p.t.Person; who != nil {
		p.line("%s was asked about %s (%s)", p.t.Source, idsText(who), p.t.Names)
	} else {
		p.line("%s was asked who was active", p.t.Source)
	}
	for i := range p.t.Asked {
		p.asked(&p.t.Asked[i])
	}
	if len(p.t.Notes)+len(p.t.Silent) > 0 {
		p.line("")
	}
	for _, note := range p.t.Notes {
		p.line("%s", note)
	}
	if len(p.t.Silent) > 0 {
		p.line("did not answer: %s; what they tell could change what counts", strings.Join(p.t.Silent, ", "))
	}
}

func (p toldPage) asked(a *connectors.Question) {
	p.line("")
	p.line("%s", strings.ToUpper(a.What[:1])+a.What[1:])
	for line := range strings.Lines(strings.TrimSpace(a.Query)) {
		p.line("  %s", strings.TrimRight(line, "\r\n"))
	}
	for _, v := range a.Parameters {
		p.line("  %s %s", pad(":"+v.Name, 14), cmp.Or(v.Value, "–"))
	}
	p.line("")
	switch {
	case a.Failed != "" && a.Read == 0:
		p.line("No answer: %s", a.Failed)
		return
	case a.Failed != "":
		p.line("%s, then it failed: %s", plural(a.Read, "row"), a.Failed)
	default:
		p.line("%s", plural(a.Read, "row"))
	}
	for i := range a.Rows[:min(len(a.Rows), shownRows)] {
		p.row(i+1, a, &a.Rows[i])
	}
	if n := a.Read - min(len(a.Rows), shownRows); n > 0 {
		p.line("  … and %d more", n)
	}
	p.sum(a)
}

// row prints one row: as it was read, else as it came.
func (p toldPage) row(n int, a *connectors.Question, r *connectors.ToldRow) {
	what := strings.Join(cellsText(a.Columns, r.Values), ", ")
	switch {
	case r.Event != nil:
		what = r.Event.Time.In(p.zone).Format("_2 Jan 2006 15:04") + "  " + pad(r.Event.Kind, 14) + "  " + pad(eventText(r.Event), 40)
	case r.Person != nil:
		what = pad(idsText(r.Person), 74)
	}
	p.line("%5d  %s  %s", n, what, r.Became)
}

// sum counts what became of the rows, the commonest first.
func (p toldPage) sum(a *connectors.Question) {
	became := map[string]int64{}
	for _, r := range a.Rows {
		if r.Became != "" {
			became[r.Became]++
		}
	}
	if len(a.Rows) < 2 || len(became) == len(a.Rows) {
		return
	}
	p.line("")
	for _, why := range connectors.Commonest(became, len(became)) {
		p.line("%5d  %s", became[why], why)
	}
}

// eventText says what an event was about: a form, a link, a page.
func eventText(e *connectors.Event) string {
	page := e.PageTitle
	if u, err := url.Parse(e.URL); err == nil && page == "" {
		page = cmp.Or(u.Path, e.URL)
	}
	return cmp.Or(e.Properties[connectors.PropForm], e.ElementText, page, e.Properties[connectors.PropCampaign])
}

// idsText names a person by all that is known of them.
func idsText(p *connectors.Person) string {
	ids := slices.Clone(p.Emails)
	add := func(kind string, values []string) {
		for _, v := range values {
			ids = append(ids, kind+" "+v)
		}
	}
	add("phone", p.Phones)
	add("user id", p.UserIDs)
	add("anonymous id", p.AnonymousIDs)
	for _, ref := range p.Refs {
		ids = append(ids, ref.String())
	}
	if len(ids) == 0 {
		return "nobody that it knows"
	}
	return strings.Join(ids, ", ")
}

// cellsText are the cells of a row that hold something, with their columns.
func cellsText(columns, values []string) (cells []string) {
	for i, v := range values {
		if v != "" && i < len(columns) {
			cells = append(cells, columns[i]+" "+v)
		}
	}
	return cells
}

func (p toldPage) line(format string, args ...any) {
	fmt.Fprintln(p.w, strings.TrimRight(receipt.Clean(fmt.Sprintf(format, args...)), " "))
}
