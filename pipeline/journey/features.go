package journey

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/score"
)

// maxObjects bounds the names of what signals were about; beyond, signals count by their types alone.
const maxObjects = 200

// Features are what the score needs of j: its signals and products, what they were about, and the visits. Topics come of matching Signal.Topics with the
// configured ones.
func (j *Journey) Features() score.Features {
	f := score.Features{Products: j.Products, Whole: true}
	if len(j.Signals) > 0 {
		f.Signals = make([]score.Signal, len(j.Signals))
		numbers := map[string]uint16{}
		for i := range j.Signals {
			f.Signals[i] = j.Signals[i].Signal
			name := counted(j.Signals[i].Object)
			if name == "" {
				continue
			}
			n, is := numbers[name]
			if !is && len(f.Objects) < maxObjects {
				f.Objects = append(f.Objects, name)
				n = uint16(len(f.Objects))
				numbers[name] = n
			}
			f.Signals[i].Object = n
		}
	}
	if len(j.Sessions) > 0 {
		f.Visits = make([]score.Visit, 0, len(j.Sessions))
	}
	for i := range j.Sessions {
		if v := visitOf(&j.Sessions[i]); v.Steps > 0 {
			f.Visits = append(f.Visits, v)
		}
	}
	slices.SortStableFunc(f.Visits, func(a, b score.Visit) int { return cmp.Compare(a.At, b.At) })
	return f
}

// maxObject bounds the length of a name.
const maxObject = 60

// counted names what signals about an object are counted under: the first directory of a page, the name of a form or of something else that was done; "" of what is not counted by
// its name. The names of campaigns are in no count: whoever makes a link types them.
func counted(object string) string {
	if strings.HasPrefix(object, "/") {
		if i := strings.IndexByte(object[1:], '/'); i >= 0 {
			object = object[:i+1]
		}
		return cut("pages: "+object, maxObject)
	}
	kind, name, is := strings.Cut(object, ": ")
	if !is || name == "" || strings.HasPrefix(kind, "mail ") || kind+": " == score.FactProfile { // a profile is what the CRM says, never what an event calls so
		return ""
	}
	return cut(kind+": "+strings.ToLower(name), maxObject)
}

// longestDwell is the most that the steps of a visit are believed of the time they took.
const longestDwell = 4 * time.Hour

// visitOf sums up what the person did in a session; one that only the own team was in has no steps.
func visitOf(s *Session) (v score.Visit) {
	dwell := time.Duration(0)
	last := int64(0)
	for i := range s.Steps {
		step := &s.Steps[i]
		if step.Context {
			continue
		}
		at := step.Event.Time.Unix()
		if v.Steps == 0 {
			v.At = at
		}
		last = max(last, at)
		v.Steps++
		if step.Event.Kind == connectors.KindPageView {
			v.Pages++
		}
		dwell += dwellOf(&step.Event)
	}
	v.Length = max(0, last-v.At)
	v.Dwell = max(v.Length, int64(min(dwell, longestDwell)/time.Second))
	return v
}

// dwellOf is the time that a step itself says it took.
func dwellOf(e *connectors.Event) time.Duration {
	for _, name := range [...]string{"seconds", "duration", "dwell", "dwell_seconds", "duration_seconds", "time_on_page", "time_spent"} {
		told := e.Properties[name]
		if told == "" { // most steps say nothing, and an error for each name of each step was a tenth of all that a sync allocates
			continue
		}
		if x, err := strconv.ParseFloat(told, 64); err == nil && x > 0 && x < 86400 {
			return time.Duration(x * float64(time.Second))
		}
	}
	return 0
}
