package web

import (
	"net/http"
	"strings"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline"
)

// shownRows is how many rows of an answer are shown, as by the command line.
const shownRows = 100

// toldView is what a source tells of a person, asked now, and what becomes of it.
type toldView struct {
	*pipeline.Told
	Who    string
	Silent string
	Asked  []askedRow
}

// askedRow is a question with its answer. Parameters and cells stay with `intentd explain --source`: they hold addresses whole.
type askedRow struct {
	connectors.Question
	Shown  []connectors.ToldRow
	Became []tally
}

// More is how many rows are not shown.
func (a askedRow) More() int { return a.Read - len(a.Shown) }

func (p *Page) told(w http.ResponseWriter, r *http.Request, g guest) {
	source, who := r.PathValue("source"), r.PathValue("who")
	told, err := app.ExplainSource.Do(r.Context(), p.app, app.SourceQuestion{Source: source, Who: who})
	if err != nil {
		p.fail(w, r, http.StatusNotFound, err)
		return
	}
	p.app.Logger().Info("somebody looked on the page at what a source tells of a person", "person", told.Names, "source", source, "by", g.by)
	v := toldView{Told: told, Who: who, Silent: strings.Join(told.Silent, ", ")}
	for _, q := range told.Asked {
		became := map[string]int64{}
		for _, row := range q.Rows {
			if row.Became != "" {
				became[row.Became]++
			}
		}
		v.Asked = append(v.Asked, askedRow{q, q.Rows[:min(len(q.Rows), shownRows)], tallies(became)})
	}
	p.show(w, r, http.StatusOK, "told", v)
}
