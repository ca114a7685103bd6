package score

import (
	"fmt"
	"strings"
	"time"
)

// Matrix counts people by the tier they are shown with (first index) and the one that other settings or another formula give them.
type Matrix [High + 1][High + 1]int

// Add counts one person: what the CRM shows, and the stored features they are scored by anew. It gives the tier of then.
func (m *Matrix) Add(s *Settings, shown Shown, f *Features, now time.Time) Tier {
	next, _, _ := s.Show(f, shown, now)
	m[shown.Tier][next.Tier]++
	return next.Tier
}

// People is how many were counted, Changed how many of them change tier.
func (m *Matrix) People() int { n, _ := m.sums(); return n }

// Changed is how many of the people counted change tier.
func (m *Matrix) Changed() int { _, n := m.sums(); return n }

func (m *Matrix) sums() (people, changed int) {
	for from := range m {
		for to, n := range m[from] {
			people += n
			if from != to {
				changed += n
			}
		}
	}
	return people, changed
}

// String is a table of lines: a row for each tier that is shown, a column for each that follows.
func (m *Matrix) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-10s", "now \\ then")
	for to := High + 1; to > 0; to-- {
		fmt.Fprintf(&b, "%9s", to-1)
	}
	for from := High + 1; from > 0; from-- {
		fmt.Fprintf(&b, "\n%-10s", from-1)
		for to := High + 1; to > 0; to-- {
			fmt.Fprintf(&b, "%9d", m[from-1][to-1])
		}
	}
	return b.String()
}
