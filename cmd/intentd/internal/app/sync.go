package app

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intake"
	"github.com/intentd/intentd/pipeline/operate"
)

// Sync is how far a first sync is.
type Sync struct {
	Total     int       `json:"total"` // records of all CRMs, by their own count at the begin; 0: unknown
	Met       int       `json:"met"`   // of them, so far
	Waiting   int       `json:"waiting"`
	PerMinute float64   `json:"records_per_minute"` // since the begin, or since the daemon's start
	Ends      time.Time `json:"ends,omitzero"`      // when all will have been met, at that rate
}

// String is the progress on one line.
func (s *Sync) String() string {
	text := fmt.Sprintf("first sync: %d records met", s.Met)
	if s.Total > 0 {
		text = fmt.Sprintf("first sync: %d of %d records met (%d %%)", s.Met, s.Total, 100*s.Met/max(s.Total, 1))
	}
	text += fmt.Sprintf(", %d people wait to be worked out", s.Waiting)
	if s.PerMinute > 0 {
		text += fmt.Sprintf("; %.0f records a minute", s.PerMinute)
	}
	if !s.Ends.IsZero() {
		text += ", all met by about " + s.Ends.UTC().Format("2 Jan 15:04 UTC")
	}
	return text
}

// syncWatch follows the first sync of this process.
type syncWatch struct {
	now func() time.Time

	mu      sync.Mutex
	since   time.Time // zero: none is followed
	met     int       // at the begin
	counted bool      // it was asked how many there are …
	total   int       // … these; 0: unknown
}

// begin follows the first sync, where one is due.
func (w *syncWatch) begin(a *App) {
	w.mu.Lock()
	defer w.mu.Unlock()
	due := false
	for _, crm := range a.pipe.Setup().CRMs {
		due = due || intake.NeedsFirstSync(a.pipe, crm.Name)
	}
	if due && w.since.IsZero() {
		w.since, w.met = w.now(), a.db.Stats().Contacts
	}
}

// count asks, once, how many records there are: whoever looks on wants to know. It costs a call a CRM, and a small sync is over before. A CRM
// that cannot be counted leaves the total unknown.
func (w *syncWatch) count(ctx context.Context, a *App) {
	w.mu.Lock()
	asked := w.counted || w.since.IsZero()
	w.counted = true
	w.mu.Unlock()
	if asked {
		return
	}
	total := 0
	for _, crm := range a.pipe.Setup().CRMs {
		s, ok := crm.CRM.(connectors.Sweeper)
		if !ok {
			continue
		}
		n, err := s.Count(ctx)
		if err != nil {
			return
		}
		total += n
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.total = total
}

// progress is how far it is; nil when there is no first sync under way.
func (w *syncWatch) progress(st operate.Status) *Sync {
	w.mu.Lock()
	defer w.mu.Unlock()
	due := false
	for _, d := range st.FirstSync {
		due = due || d
	}
	if w.since.IsZero() || !due {
		return nil
	}
	s := &Sync{Total: max(w.total, st.Contacts), Met: st.Contacts, Waiting: st.Queue["live"].Depth + st.Queue["backfill"].Depth}
	if w.total == 0 {
		s.Total = 0
	}
	now := w.now()
	if past := now.Sub(w.since).Minutes(); past > 0 {
		s.PerMinute = float64(s.Met-w.met) / past
	}
	if left := s.Total - s.Met; s.PerMinute > 0 && left > 0 {
		s.Ends = now.Add(time.Duration(float64(left) / s.PerMinute * float64(time.Minute)))
	}
	return s
}
