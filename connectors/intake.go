package connectors

import "time"

// Intake counts what became of everything a feed told since it was first taken in: nothing is left out without a count.
type Intake struct {
	Read       int64            `json:"read"`                 // lines, rows or messages, blank ones apart
	Unreadable map[string]int64 `json:"unreadable,omitempty"` // of them, by reason
	Examples   []Unreadable     `json:"examples,omitempty"`   // met last, the newest last, a few of each reason
	// LatestRead and LatestUnreadable are those of the last poll that read anything.
	LatestRead       int64 `json:"latest_read,omitempty"`
	LatestUnreadable int64 `json:"latest_unreadable,omitempty"`
}

// Unreadable is something that could not be read: where it stands and why, never its content.
type Unreadable struct {
	Where  string    `json:"where"` // a file, an object, a table
	Line   int64     `json:"line"`  // from 1, 0 where there are none
	Reason string    `json:"reason"`
	Time   time.Time `json:"time"` // when it was met
}

// Unread is how much could not be read, over all reasons.
func (i Intake) Unread() (n int64) {
	for _, by := range i.Unreadable {
		n += by
	}
	return n
}

// Teller is a Feed that tells what became of what it read up to a cursor of its own.
type Teller interface {
	Intake(at Cursor) (Intake, error)
}
