package web

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/operate"
)

// overviewView is whether all is well.
type overviewView struct {
	app.Status
	Lede       string
	Hold       string // stands for exactly what is held back now; "" where nothing is
	Did        string // what the last press did
	Connectors []connectorRow
	Waiting    int
	States     []tierShare
	MiB        int64
}

// Troubles are the daemon's words that explain a reason at more length.
func (v overviewView) Troubles() (why []string) {
	for _, w := range []string{v.Clock, v.Reload, v.Model} {
		if w != "" {
			why = append(why, w)
		}
	}
	return why
}

// SyncDone is how much of the first sync is done, in thousandths.
func (v overviewView) SyncDone() int { return v.Sync.Met * 1000 / max(v.Sync.Total, 1) }

// tierShare is a tier's part of a bar of 1000.
type tierShare struct {
	Tier        string
	People      int64
	From, Width int64
}

// connectorRow is a connector as the overview shows it.
type connectorRow struct {
	Name string
	operate.ConnectorStatus
	Sync        bool
	Used        int64 // of the day's calls, in thousandths; −1 where there is no count by day
	Poll, Write time.Time
	Lag         time.Time // when all that there was had been read; zero where nobody counts
	Writes      bool
}

func (p *Page) overview(w http.ResponseWriter, r *http.Request, _ guest) {
	st, err := app.StatusOf.Do(r.Context(), p.app, app.Nothing{})
	if err != nil {
		p.fail(w, r, http.StatusInternalServerError, err)
		return
	}
	v := overviewView{Status: st, Lede: p.lede(&st), Hold: held(&st), Connectors: connectorRows(&st), States: tierShares(st.Tiers), MiB: st.State.FileBytes >> 20}
	if r.URL.Query().Get("did") == "released" {
		v.Did = p.tongue().say("released")
	}
	for _, lane := range st.Queue {
		v.Waiting += lane.Depth
	}
	p.show(w, r, http.StatusOK, "overview", v)
}

// lede is the condition in one sentence.
func (p *Page) lede(st *app.Status) string {
	t := p.tongue()
	switch n := len(st.Health.Reasons); {
	case st.Health.Status == "failing":
		return t.say("nothing.done")
	case st.Brake != "":
		return t.say("brake.on")
	case st.Paused:
		return t.say("paused")
	case n == 1:
		return t.say("works.1")
	case n > 1:
		return t.say("works.n", n)
	}
	return t.say("well")
}

// held stands for what is held back: it differs once something else is.
func held(st *app.Status) string {
	if st.Brake == "" && !st.Paused {
		return ""
	}
	of := st.Brake
	if st.Paused {
		of += "\x00paused"
	}
	sum := sha256.Sum256([]byte(of))
	return hex.EncodeToString(sum[:8])
}

// release lets go what was looked at: what is held back by now may be something else, and is not let go then.
func (p *Page) release(w http.ResponseWriter, r *http.Request, g guest) {
	st, err := app.StatusOf.Do(r.Context(), p.app, app.Nothing{})
	if err != nil {
		p.fail(w, r, http.StatusInternalServerError, err)
		return
	}
	hold := held(&st)
	if hold == "" {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	if r.PostFormValue("hold") != hold {
		p.fail(w, r, http.StatusConflict, errors.New(p.tongue().say("release.changed")))
		return
	}
	if _, err := app.Resume.Do(r.Context(), p.app, app.Nothing{}); err != nil {
		p.fail(w, r, http.StatusInternalServerError, err)
		return
	}
	p.app.Logger().Info("released on the page", "by", g.by, "brake", st.Brake, "paused", st.Paused)
	http.Redirect(w, r, "/?did=released", http.StatusSeeOther)
}

func connectorRows(st *app.Status) []connectorRow {
	var rows []connectorRow
	for _, name := range slices.Sorted(maps.Keys(st.Connectors)) {
		row := connectorRow{Name: name, ConnectorStatus: st.Connectors[name], Used: -1, Write: st.LastGood["write/"+name]}
		row.Sync, row.Writes = st.FirstSync[name], false
		if _, crm := st.FirstSync[name]; crm {
			row.Writes = true
		}
		if limit, left := row.Report.DailyLimit, row.Report.DailyRemaining; limit > 0 && left >= 0 {
			row.Used = (limit - left) * 1000 / limit
		}
		for _, work := range []string{"poll", "listen", "sweep"} {
			if at := st.LastGood[work+"/"+name]; at.After(row.Poll) {
				row.Poll = at
			}
		}
		if row.Followed != nil {
			row.Lag = row.Followed.CaughtUp
		}
		rows = append(rows, row)
	}
	return rows
}

func tierShares(tiers map[string]int64) []tierShare {
	all := connectors.Total(tiers)
	var shares []tierShare
	at := int64(0)
	for _, tier := range []string{"high", "medium", "low"} {
		s := tierShare{Tier: tier, People: tiers[tier], From: at}
		s.Width = s.People * 1000 / max(all, 1)
		at += s.Width
		shares = append(shares, s)
	}
	return shares
}
