package learn

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// Promise: topics that go with winning or losing are found with their counts, those of too few deals are not, and of topics that say nothing one in twenty at most.
func TestTopicsFindWhatGoesWithWinning(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 1))
	chance, found := 0, 0
	for range 50 {
		var topics Topics
		prices := 0
		for i := range 200 {
			won := i < 9 || rng.Float64() < 0.4
			var read []string
			if i < 9 {
				read = append(read, "rare")
			}
			for k := range 20 {
				if rng.IntN(4) == 0 {
					read = append(read, fmt.Sprint("noise ", k))
				}
			}
			if won && rng.IntN(2) == 0 || !won && rng.IntN(8) == 0 {
				read, prices = append(read, "prices"), prices+1
			}
			if !won && rng.IntN(2) == 0 {
				read = append(read, "templates")
			}
			topics.Add(read, won)
		}
		win, loss := topics.Learn()
		for _, topic := range append(win, loss...) {
			switch {
			case topic.Name == "rare":
				t.Error("nine deals taught a topic")
			case topic.Name == "prices":
				if found++; topic.Deals != prices || topic.Rate.Low > topic.Rate.Value || topic.Rate.High < topic.Rate.Value {
					t.Errorf("%+v, %d deals read about prices", topic, prices)
				}
			case topic.Name == "templates":
				found++
			default:
				chance++
			}
		}
		if len(loss) == 0 || loss[0].Name != "templates" || loss[0].Won != 0 {
			t.Errorf("loss topics %+v", loss)
		}
	}
	if found < 95 {
		t.Errorf("%d of 100 topics that decide were found", found)
	}
	if chance > 50 { // of 1,000
		t.Errorf("%d of 1,000 topics that say nothing were taken", chance)
	}
}

// Promise: what deals cannot tell apart is told once: spellings of one topic, and topics that the very same deals read about. Topics that share most of their deals stay two.
func TestTopicsOfTheSameDealsAreOne(t *testing.T) {
	var topics Topics
	for i := range 130 {
		won := i < 40
		var read []string
		if won {
			read = append(read, "Integrations", "CRM migration", "API documentation")
			if i%2 == 0 {
				read = append(read, "integration")
			}
		}
		if i < 39 {
			read = append(read, "prices")
		}
		if !won {
			read = append(read, "templates")
		}
		topics.Add(read, won)
	}
	win, loss := topics.Learn()
	if len(win) != 2 || win[0].Name != "API documentation" || fmt.Sprint(win[0].Alike) != "[CRM migration Integrations]" || win[0].Deals != 40 || win[0].Won != 40 || win[1].Name != "prices" || win[1].Deals != 39 {
		t.Errorf("win topics %+v", win)
	}
	if len(loss) != 1 || loss[0].Name != "templates" || loss[0].Alike != nil {
		t.Errorf("loss topics %+v", loss)
	}
}
