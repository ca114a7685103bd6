package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
)

// export hands out what is kept of a person, as `intentd export --json` prints it.
func (p *Page) export(w http.ResponseWriter, r *http.Request, g guest) {
	who := r.PostFormValue("who")
	data, err := app.Export.Do(r.Context(), p.app, app.Who{Who: who})
	if err != nil {
		p.fail(w, r, http.StatusNotFound, err)
		return
	}
	out, err := json.MarshalIndent(data, "", "  ")
	if err != nil {
		p.fail(w, r, http.StatusInternalServerError, err)
		return
	}
	p.app.Logger().Info("somebody exported a person on the page", "person", who, "by", g.by)
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="person.json"`)
	_, _ = w.Write(append(out, '\n')) // a browser that has gone needs no answer
}

// forget erases a person whose key was typed once more.
func (p *Page) forget(w http.ResponseWriter, r *http.Request, g guest) {
	who := r.PostFormValue("who")
	if strings.TrimSpace(r.PostFormValue("confirm")) != who || who == "" {
		p.fail(w, r, http.StatusConflict, errors.New(p.tongue().say("f.mistyped", who)))
		return
	}
	done, err := app.Forget.Do(r.Context(), p.app, app.Who{Who: who, KeepCRM: r.PostFormValue("keep") != ""})
	if err != nil {
		p.fail(w, r, http.StatusInternalServerError, err)
		return
	}
	p.app.Logger().Info("somebody forgot a person on the page", "person", who, "by", g.by)
	p.show(w, r, http.StatusOK, "forgotten", done)
}
