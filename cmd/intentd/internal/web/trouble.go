package web

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/state"
)

// troubleView is what failed, and what mends it.
type troubleView struct {
	Lede     string
	Letters  int
	Limited  bool // there are more than are listed
	Reasons  []reason
	Retried  string
	Examined bool
	Findings []app.Checked // warnings and failures, the worst first
	Order    int           // findings that are in order
	Hours    []jobHours
}

// jobHours is how a job went in the last hours, and why its last run failed; "" if that went well.
type jobHours struct {
	hourChart
	Why string
}

// jobsByHour are the jobs of which something was counted, those that failed most first.
func jobsByHour(st *app.Status) (rows []jobHours) {
	names := map[string]bool{}
	for _, h := range st.Hours {
		for job := range h.Jobs {
			names[job] = true
		}
	}
	why := map[string]string{}
	for _, r := range st.Runs {
		why[r.Name] = r.Error
	}
	for _, job := range slices.Sorted(maps.Keys(names)) {
		c := hoursOf(st.Hours, job, st.At, func(c state.HourCounts) (good, bad int64) { return c.Done, c.Failed })
		if c.Any() {
			rows = append(rows, jobHours{c, why[job]})
		}
	}
	slices.SortStableFunc(rows, func(a, b jobHours) int { return cmp.Compare(b.Bad, a.Bad) })
	return rows
}

// reason are the dead letters of one reason.
type reason struct {
	ID          string // stands for the reason
	Code        string
	Message     string
	Fix         string
	Whole       bool // they concern people as a whole, not records
	First, Last time.Time
	Letters     []app.DeadLetter
}

// Shown are the letters that are named.
func (r reason) Shown() []app.DeadLetter { return r.Letters[:min(len(r.Letters), 10)] }

// More is how many are not named.
func (r reason) More() int { return len(r.Letters) - len(r.Shown()) }

// reasons sorts letters by what the vendor said, the commonest first. A code that a vendor gives is its own word for the reason, and the
// message may name the record; without one the message decides.
func reasons(letters []app.DeadLetter) []reason {
	var out []reason
	at := map[string]int{}
	for _, l := range letters {
		sum := sha256.Sum256([]byte(l.Op + "\x00" + cmp.Or(l.Code, l.Message) + "\x00" + strconv.FormatBool(l.Ref == "")))
		id := hex.EncodeToString(sum[:8])
		i, ok := at[id]
		if !ok {
			i, at[id] = len(out), len(out)
			out = append(out, reason{ID: id, Code: l.Code, Message: l.Message, Fix: l.Fix, Whole: l.Ref == "", First: l.First, Last: l.At})
		}
		r := &out[i]
		r.Letters = append(r.Letters, l)
		if l.First.Before(r.First) {
			r.First = l.First
		}
		if l.At.After(r.Last) {
			r.Last = l.At
		}
	}
	slices.SortStableFunc(out, func(a, b reason) int { return cmp.Compare(len(b.Letters), len(a.Letters)) })
	return out
}

func (p *Page) trouble(w http.ResponseWriter, r *http.Request, g guest) {
	letters, err := app.DeadList.Do(r.Context(), p.app, app.Nothing{})
	var found []app.Checked
	examined := r.URL.Query().Get("examine") != ""
	if err == nil && examined {
		found, err = app.Examine.Do(r.Context(), p.app, p.app.File())
	}
	st, serr := app.StatusOf.Do(r.Context(), p.app, app.Nothing{})
	if err = cmp.Or(err, serr); err != nil {
		p.fail(w, r, http.StatusInternalServerError, err)
		return
	}
	v := troubleView{Letters: len(letters), Limited: st.Dead > len(letters), Reasons: reasons(letters), Examined: examined, Hours: jobsByHour(&st)}
	for _, f := range found {
		if f.Severity == connectors.OK {
			v.Order++
		} else {
			v.Findings = append(v.Findings, f)
		}
	}
	slices.SortStableFunc(v.Findings, func(a, b app.Checked) int {
		return -cmp.Compare(b2i(a.Severity == connectors.Failure), b2i(b.Severity == connectors.Failure))
	})
	t := p.tongue()
	v.Lede = t.say("t.none")
	if n := len(letters); n > 0 {
		v.Lede = t.say("t.some", p.many("t.records", n), p.many("t.reasons", len(v.Reasons)))
	}
	if n, err := strconv.Atoi(r.URL.Query().Get("retried")); err == nil && n >= 0 {
		v.Retried = t.say("t.retried", n)
	}
	var named []string
	for _, reason := range v.Reasons {
		for _, l := range reason.Shown() {
			if l.Name != "" {
				named = append(named, l.Ref)
			}
		}
	}
	if len(named) > 0 {
		p.app.Logger().Info("the page named people of dead letters", "records", named, "by", g.by)
	}
	p.show(w, r, http.StatusOK, "trouble", v)
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// many is a count of things in words.
func (p *Page) many(key string, n int) string {
	if n == 1 {
		return p.tongue().say(key + ".1")
	}
	return p.tongue().say(key+".n", n)
}

// retry puts the people behind the letters of one reason into the queue again.
func (p *Page) retry(w http.ResponseWriter, r *http.Request, g guest) {
	letters, err := app.DeadList.Do(r.Context(), p.app, app.Nothing{})
	n := 0
	for _, reason := range reasons(letters) {
		if err != nil || reason.ID != r.PostFormValue("reason") || reason.Whole {
			continue
		}
		for _, l := range reason.Letters {
			done, rerr := app.DeadRetry.Do(r.Context(), p.app, app.Letters{Ref: l.Ref})
			n, err = n+done, cmp.Or(err, rerr)
		}
	}
	if err != nil {
		p.fail(w, r, http.StatusInternalServerError, err)
		return
	}
	p.app.Logger().Info("dead letters were retried on the page", "letters", n, "by", g.by)
	http.Redirect(w, r, "/trouble?retried="+strconv.Itoa(n), http.StatusSeeOther)
}
