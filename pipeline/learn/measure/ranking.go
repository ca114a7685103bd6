package measure

import "math"

// AUC is how often somebody who was won stands above somebody who was lost, a tie counting half. Without wins or without losses it is 0.5 with the limits 0 and 1.
func (t *Tally) AUC() Interval {
	groups := t.Groups()
	rows, won := t.Rows()
	m, n := float64(won), float64(rows-won)
	if m == 0 || n == 0 {
		return Interval{0.5, 0, 1}
	}
	at := t.places()
	auc := at.auc
	if auc <= 0 || auc > 1-1e-12 || m < 2 || n < 2 {
		return newcombe(min(1, max(0, math.Round(auc*1e12)/1e12)), m, n)
	}
	ofWon, ofLost := 0.0, 0.0 // the variance of the places
	for i, g := range groups {
		under, over := at.at[i].under-auc, at.at[i].over-auc
		ofWon += float64(g.Won) * under * under
		ofLost += float64(g.Lost) * over * over
	}
	se := math.Sqrt(ofWon/(m-1)/m + ofLost/(n-1)/n)
	logit, half := math.Log(auc/(1-auc)), z*se/(auc*(1-auc))
	return Interval{auc, Logistic(logit - half), Logistic(logit + half)}
}

// newcombe are the values of which a is just not surprising, by the variance of Hanley and McNeil with (m+n)/2 in place of either count.
func newcombe(a, m, n float64) Interval {
	size := (m+n)/2 - 1
	surprising := func(v float64) bool {
		variance := v * (1 - v) * (1 + size*(1-v)/(2-v) + size*v/(1+v)) / (m * n)
		return math.Abs(a-v) > z*math.Sqrt(variance)
	}
	limit := func(far float64) float64 {
		near := a
		for range 60 {
			if middle := (near + far) / 2; surprising(middle) {
				far = middle
			} else {
				near = middle
			}
		}
		return near
	}
	return Interval{a, limit(0), limit(1)}
}

// Point of a curve.
type Point struct{ X, Y float64 }

// ROC is the curve of the share of wins over the share of losses that a cut-off lets in, from the highest score to the lowest, in at most so many points
// beside its ends.
func (t *Tally) ROC(points int) []Point {
	groups := t.Groups()
	rows, won := t.Rows()
	m, n := float64(won), float64(rows-won)
	curve := []Point{{0, 0}}
	if m == 0 || n == 0 {
		return append(curve, Point{1, 1})
	}
	in := Point{}
	for i := len(groups) - 1; i >= 0; i-- {
		in.X += float64(groups[i].Lost) / n
		in.Y += float64(groups[i].Won) / m
		last := curve[len(curve)-1]
		if far := in.X - last.X + in.Y - last.Y; i > 0 && far < 2/float64(points) {
			continue
		}
		curve = append(curve, in)
	}
	curve[len(curve)-1] = Point{1, 1} // without what additions round off
	return curve
}

// Top is what the head of a list holds.
type Top struct {
	Share     float64  // of all rows, 0 to 1
	Rows      float64  // in it
	Precision Interval // the share of them that was won
	Lift      Interval // that over the share of all rows that was won; the limits are those of the precision
	Recall    float64  // the share of all wins that is in it
}

// Top is that of the highest share of the rows. Of a tie that reaches over the cut a part counts, with the tie's win rate.
func (t *Tally) Top(share float64) Top {
	groups := t.Groups()
	rows, won := t.Rows()
	room := share * float64(rows)
	top := Top{Share: share, Rows: room}
	in := 0.0
	for i := len(groups) - 1; i >= 0 && room > 0; i-- {
		g := &groups[i]
		part := min(1, room/g.Rows())
		in += part * float64(g.Won)
		room -= part * g.Rows()
	}
	top.Precision = Wilson(in, top.Rows)
	if won > 0 {
		base := float64(won) / float64(rows)
		top.Lift = Interval{top.Precision.Value / base, top.Precision.Low / base, top.Precision.High / base}
		top.Recall = in / float64(won)
	}
	return top
}

// Cut is the highest score that at least a share of the rows reach; that of the lowest row where the share is 1, and +Inf of an empty tally.
func (t *Tally) Cut(share float64) float64 {
	groups := t.Groups()
	rows, _ := t.Rows()
	room, cut := share*float64(rows), math.Inf(1)
	for i := len(groups) - 1; i >= 0; i-- {
		cut = groups[i].Score
		if room -= groups[i].Rows(); room <= 1e-9 {
			break
		}
	}
	return cut
}
