package backtest

import (
	"maps"
	"slices"
	"time"
)

// trainingShare of the people, the oldest, are learned from.
const trainingShare = 0.7

// Split says who is learned from and who is judged on.
type Split struct {
	ByTime bool      // the older are learned from; else chance parts them, for want of dates
	From   time.Time // the first day that is judged on; zero without dates
	// People of each part, and how many of them were won.
	Learned, LearnedWon, Judged, JudgedWon int
}

// day of a date, as a number.
func day(t time.Time) int64 { return t.Unix() / 86400 }

// splitAt finds the day from which on people are judged: the first before which trainingShare of them lie.
func splitAt(p *Population) (s Split) {
	days, n, undated := map[int64]int{}, 0, 0
	for who := range p.People() {
		n++
		if who.At.IsZero() {
			undated++
			continue
		}
		days[day(who.At)]++
	}
	if undated > 0 || len(days) < 2 {
		return s
	}
	before := 0
	for _, d := range slices.Sorted(maps.Keys(days)) {
		if float64(before) >= trainingShare*float64(n) || before > 0 && before+days[d] == n {
			s.ByTime, s.From = true, time.Unix(d*86400, 0).UTC()
			return s
		}
		before += days[d]
	}
	return s
}

// everybody is a split in which all are learned from and nobody is judged on.
func everybody() Split { return Split{ByTime: true, From: time.Unix(1<<40, 0)} }

// judged says whether person number i is judged on.
func (s *Split) judged(who *Person, i int) bool {
	if s.ByTime {
		return !who.At.Before(s.From)
	}
	return chance(uint64(i)) >= trainingShare
}

// count notes a person in their part.
func (s *Split) count(judged, won bool) {
	n, k := &s.Learned, &s.LearnedWon
	if judged {
		n, k = &s.Judged, &s.JudgedWon
	}
	*n++
	if won {
		*k++
	}
}

// chance is a number of 0 … 1 that looks drawn and is the same each time (splitmix64).
func chance(i uint64) float64 {
	i += 0x9e3779b97f4a7c15
	i = (i ^ i>>30) * 0xbf58476d1ce4e5b9
	i = (i ^ i>>27) * 0x94d049bb133111eb
	return float64((i^i>>31)>>11) / (1 << 53)
}
