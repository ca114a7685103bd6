package connectors

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Intake counts what became of everything a source told since it was first taken in: nothing is left out without a count.
type Intake struct {
	// What was read, by the feed's own count. Read are lines, rows or messages, blank ones apart.
	Read       int64            `json:"read"`
	Unreadable map[string]int64 `json:"unreadable,omitempty"` // of them, by reason
	Examples   []Unreadable     `json:"examples,omitempty"`   // met last, the newest last, a few of each reason
	// LatestRead and LatestUnreadable are those of the last poll that read anything.
	LatestRead       int64 `json:"latest_read,omitempty"`
	LatestUnreadable int64 `json:"latest_unreadable,omitempty"`

	// What the event store made of it.
	Events       int64            `json:"events"`                  // kept
	Anonymous    int64            `json:"anonymous,omitempty"`     // of them, of nobody known when they came in
	LeftOut      map[string]int64 `json:"left_out,omitempty"`      // by reason
	UnknownKinds map[string]int64 `json:"unknown_kinds,omitempty"` // kept as context; names that may tell of a person are one
	ReusedIDs    int64            `json:"reused_ids,omitempty"`    // ids that came again for something else; both are kept

	// Visitors who said who they are where that is not believed by itself, once for each identifier, and those of whom it was confirmed.
	Proposed  int64 `json:"proposed,omitempty"`
	Confirmed int64 `json:"confirmed,omitempty"`

	// Who was seen, by the pipeline's count: somebody seen in several polls counts in each.
	People    int64 `json:"people,omitempty"`
	Strangers int64 `json:"strangers,omitempty"` // of them, in no CRM
}

// Unreadable is something that could not be read: where it stands and why, never its content.
type Unreadable struct {
	Where  string    `json:"where"` // a file, an object, a table
	Line   int64     `json:"line"`  // from 1, 0 where there are none
	Reason string    `json:"reason"`
	Time   time.Time `json:"time"` // when it was met
}

// Reasons in Intake.LeftOut.
const (
	LeftOutNobody   = "no usable identifier"
	LeftOutConsent  = "consent denied"
	LeftOutOld      = "older than the retention"
	LeftOutRepeated = "told before"
	LeftOutOwnTask  = "tasks made by intentd"
)

// Unread is how much could not be read, over all reasons.
func (i Intake) Unread() int64 { return Total(i.Unreadable) }

// Trouble says what is wrong when most of the last poll could not be read, "" otherwise.
func (i Intake) Trouble() string {
	if i.LatestUnreadable*2 <= i.LatestRead {
		return ""
	}
	why := "for several reasons"
	if most := Commonest(i.Unreadable, 1); len(most) > 0 {
		why = "mostly: " + most[0]
	}
	return fmt.Sprintf("could not read %d of the %d lines of its last poll, %s", i.LatestUnreadable, i.LatestRead, why)
}

// Total is the sum of what is counted by name.
func Total(counts map[string]int64) (n int64) {
	for _, by := range counts {
		n += by
	}
	return n
}

// Commonest are the names counted most, at most n.
func Commonest(counts map[string]int64, n int) []string {
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), strings.Compare(a, b))
	})
	return names[:min(n, len(names))]
}

// Bounds of names that are counted.
const (
	keptNames  = 200
	OtherNames = "(others)" // counts all that are more, or may tell of a person
)

// tellable are names that hold no person's data: words as programs write them.
var tellable = regexp.MustCompile(`^[\pL$][\pL\d_$ .:/\[\]-]{0,59}$`)

// CountUnknownKind counts an event whose kind is not known.
func (i *Intake) CountUnknownKind(kind string) {
	i.UnknownKinds = CountName(i.UnknownKinds, kind)
}

// CountName counts a name that strangers chose: at most 200 of them, and one for all that are more or may tell of a person. counts may be
// nil; it is changed and returned.
func CountName(counts map[string]int64, name string) map[string]int64 {
	if counts == nil {
		counts = map[string]int64{}
	}
	if _, known := counts[name]; !known && (len(counts) >= keptNames || !tellable.MatchString(name)) {
		name = OtherNames
	}
	counts[name]++
	return counts
}

// KeptExamples bounds the examples of one reason.
const KeptExamples = 20

// CountUnreadable counts something that could not be read, and keeps it among the examples of its reason.
func (i *Intake) CountUnreadable(u Unreadable) {
	if i.Unreadable == nil {
		i.Unreadable = map[string]int64{}
	}
	i.Unreadable[u.Reason]++
	same := func(other Unreadable) bool { return other.Reason == u.Reason }
	n := 0
	for _, other := range i.Examples {
		if same(other) {
			n++
		}
	}
	if n >= KeptExamples {
		oldest := slices.IndexFunc(i.Examples, same)
		i.Examples = slices.Delete(i.Examples, oldest, oldest+1)
	}
	i.Examples = append(i.Examples, u)
}

// Add adds the counts of another one, which tells of something else.
func (i *Intake) Add(o Intake) {
	i.Read += o.Read
	sum := func(into *map[string]int64, of map[string]int64) {
		if *into == nil && len(of) > 0 {
			*into = map[string]int64{}
		}
		for name, n := range of {
			(*into)[name] += n
		}
	}
	sum(&i.Unreadable, o.Unreadable)
	sum(&i.LeftOut, o.LeftOut)
}

// CountLeftOut counts n events that are not kept.
func (i *Intake) CountLeftOut(reason string, n uint64) {
	if n == 0 {
		return
	}
	if i.LeftOut == nil {
		i.LeftOut = map[string]int64{}
	}
	i.LeftOut[reason] += int64(n)
}
