package web

import (
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/pipeline/operate"
	"github.com/intentd/intentd/pipeline/score"
)

// peopleView is a part of the ranked list, and the histogram above it.
type peopleView struct {
	*app.RankedPeople
	Asked  operate.PeopleQuery
	Named  bool     // these were found by name: no list by rank, and no histogram
	Tiers  []string // to choose from, as are the others
	Trends []string
	Stages []string
	Wares  []string
	Bars   []bar
	Then   operate.UnderLines
	Most   int    // people in the highest bar
	Still  int    // people below one point, who are in no bar: they would make the others a line
	More   string // the address of the next part; "" at the end
	Every  curves
	Step   int // of the lines, in tenths: half a point, unless those in force lie between
}

// curves are what every line does, as the script reads it.
type curves struct{ High, Become, Up string }

// bar is a whole point of the histogram as three boxes of a drawing that is barsHigh high.
type bar struct {
	operate.ScoreBar
	X                                  int
	LowY, LowH, MediumY, MediumH, Y, H int
}

const barsHigh = 200

func (p *Page) people(w http.ResponseWriter, r *http.Request, g guest) {
	q := r.URL.Query()
	arg := app.PeopleArguments{Every: true}
	arg.Tier, arg.Trend, arg.Stage, arg.Product, arg.Owner, arg.After = q.Get("tier"), q.Get("trend"), q.Get("stage"), q.Get("product"), q.Get("owner"), q.Get("after")
	arg.Lines = operate.Lines{High: tenthsOf(q.Get("high")), Medium: tenthsOf(q.Get("medium"))}
	if set := p.app.Pipeline().Setup().Score; arg.Lines == (operate.Lines{}) {
		arg.Lines = operate.Lines{High: set.High, Medium: set.Medium}
	}
	found, err := app.People.Do(r.Context(), p.app, arg)
	if err != nil {
		p.fail(w, r, http.StatusBadRequest, err)
		return
	}
	p.lookedAt(found, g)
	p.show(w, r, http.StatusOK, "people", p.peopleView(found, arg.PeopleQuery))
}

func (p *Page) lookedAt(found *app.RankedPeople, g guest) {
	keys := make([]string, len(found.People))
	for i := range found.People {
		keys[i] = found.People[i].Person
	}
	p.app.Logger().Info("somebody looked at a list of people on the page", "people", strings.Join(keys, " "), "by", g.by)
}

// findNamed shows whom the CRM's search finds by a name; false if that is nobody. The name was sent: it stands in no address of the browser's.
func (p *Page) findNamed(w http.ResponseWriter, r *http.Request, g guest, name string) bool {
	found, err := app.PeopleNamed.Do(r.Context(), p.app, app.Named{Name: name})
	if err != nil || len(found.People) == 0 {
		return false // what was said of the exact search stands
	}
	p.lookedAt(found, g)
	p.show(w, r, http.StatusOK, "people", peopleView{RankedPeople: found, Named: true})
	return true
}

// tenthsOf reads points; 0 for none.
func tenthsOf(points string) int {
	v, err := strconv.ParseFloat(points, 64)
	if err != nil || math.Abs(v) > 1000 {
		return 0
	}
	return int(math.Round(v * 10))
}

func (p *Page) peopleView(found *app.RankedPeople, asked operate.PeopleQuery) peopleView {
	h := found.Histogram
	v := peopleView{RankedPeople: found, Asked: asked, Then: *h.Then, Step: 5, Every: curves{joined(h.HighAt), joined(h.BecomeAt), joined(h.UpAt)}}
	for t := score.High; t > score.TierUnknown; t-- {
		v.Tiers = append(v.Tiers, t.String())
	}
	for t := score.New; t > score.TrendNone; t-- {
		v.Trends = append(v.Trends, t.String())
	}
	for s := score.Deciding; s > score.StageUnknown; s-- {
		v.Stages = append(v.Stages, s.String())
	}
	for _, product := range p.app.Config().Products {
		v.Wares = append(v.Wares, product.Name)
	}
	if h.Lines.High%5 != 0 || h.Lines.Medium%5 != 0 {
		v.Step = 1
	}
	bars := h.Bars[1:]
	v.Still = h.Bars[0].High + h.Bars[0].Medium + h.Bars[0].Low
	for _, b := range bars {
		v.Most = max(v.Most, b.High+b.Medium+b.Low)
	}
	for _, b := range bars {
		x := bar{ScoreBar: b, X: 10 * b.Score}
		at := barsHigh
		place := func(n int, y, high *int) {
			if *high = n * barsHigh / max(v.Most, 1); n > 0 {
				*high = max(*high, 1)
			}
			at = max(at-*high, 0)
			*y = at
		}
		place(b.Low, &x.LowY, &x.LowH)
		place(b.Medium, &x.MediumY, &x.MediumH)
		place(b.High, &x.Y, &x.H)
		v.Bars = append(v.Bars, x)
	}
	if found.Next != "" {
		v.More = peoplePath(asked, found.Next)
	}
	return v
}

// peoplePath is the address of a part of the list.
func peoplePath(q operate.PeopleQuery, after string) string {
	q.After = after
	to := url.Values{}
	for name, value := range filters(q) {
		to.Set(name, value)
	}
	return "/people?" + to.Encode()
}

// filters are what is asked for, by name.
func filters(q operate.PeopleQuery) map[string]string {
	all := map[string]string{"tier": q.Tier, "trend": q.Trend, "stage": q.Stage, "product": q.Product, "owner": q.Owner, "after": q.After}
	maps.DeleteFunc(all, func(_, value string) bool { return value == "" })
	return all
}

// Of is the address of those of an owner.
func (v peopleView) Of(owner string) string {
	q := v.Asked
	q.Owner = owner
	return peoplePath(q, "")
}

// Filters are what is asked for, so that a form keeps it.
func (v peopleView) Filters() map[string]string { return filters(v.Asked) }

// Filtered says that not everybody is listed.
func (v peopleView) Filtered() bool {
	q := v.Asked
	q.After = ""
	return q != operate.PeopleQuery{}
}

func joined(list []int) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(list), " ", ","), "[]")
}
