package connectors

import (
	"context"
	"time"
)

// Explainer is a source that shows how it asks and what it was told. The host shows of every other one what Journeys and Active answer.
type Explainer interface {
	// Explain asks as Journeys or Active would. It moves no cursor and counts nothing in the source's intake; what it asks is paid for as any
	// other question is. What the system refused is told in Question.Failed; an error is for what is the source's own.
	Explain(ctx context.Context, q ExplainQuery) (Explanation, error)
}

// ExplainQuery says what is to be explained.
type ExplainQuery struct {
	// Person is asked about in Window, as Journeys would. nil: who was active since From, as Active would tell.
	Person *Person
	Window Window
	From   Cursor
	Rows   int // that are shown; all are counted
}

// Explanation is what a source asked and was told. It holds personal data: it is for the admin who asks, and for no log.
type Explanation struct {
	Asked []Question `json:"asked"`
	Notes []string   `json:"notes,omitempty"` // a sentence each
}

// Note adds a sentence.
func (x *Explanation) Note(sentence string) { x.Notes = append(x.Notes, sentence) }

// Question is what was asked once, with the answer.
type Question struct {
	What       string      `json:"what"`            // "the journeys query"
	Query      string      `json:"query,omitempty"` // as it was sent, its parameters by their names
	Parameters []Parameter `json:"parameters,omitempty"`
	Columns    []string    `json:"columns,omitempty"` // of Rows
	Rows       []ToldRow   `json:"rows"`
	Read       int         `json:"rows_read"` // shown or not
	Failed     string      `json:"failed,omitempty"`
}

// Parameter is a value that was sent with a query.
type Parameter struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// ToldRow is one row of an answer, as it came and as it was read.
type ToldRow struct {
	Values []string `json:"values,omitempty"` // by Question.Columns; none where the source does not answer in rows
	Event  *Event   `json:"event,omitempty"`
	Person *Person  `json:"person,omitempty"` // of who was active
	Became string   `json:"became"`           // why the source leaves it out; the host tells what became of the others
}

// Tell adds a row: it is counted, and kept as long as there are fewer than most.
func (a *Question) Tell(r ToldRow, most int) {
	a.Read++
	if len(a.Rows) < most {
		a.Rows = append(a.Rows, r)
	}
}

// TellEvents adds events, as far as they lie in the window, until they end or err says why they ended.
func (a *Question) TellEvents(events func(yield func(Event, error) bool), most int) {
	for e, err := range events {
		if err != nil {
			a.Failed = err.Error()
			return
		}
		a.Tell(ToldRow{Event: &e}, most)
	}
}

// TellPeople adds who was active.
func (a *Question) TellPeople(page Page[Person], err error, most int) {
	if err != nil {
		a.Failed = err.Error()
		return
	}
	for i := range page.Items {
		a.Tell(ToldRow{Person: &page.Items[i]}, most)
	}
}

// ParameterTime is a time as explanations write it.
func ParameterTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.999999 UTC") }
