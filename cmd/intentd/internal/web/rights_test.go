package web

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
)

// Promise: the page hands out what the command does, and forgets nobody whose key was not typed; with it, whom the command would.
func TestRightsOnThePage(t *testing.T) {
	w := newWorld(t, "en", "")
	w.signIn()
	resp := w.post("/export", url.Values{"who": {"p1"}})
	var got, want map[string]any
	if err := json.Unmarshal([]byte(body(t, resp)), &got); err != nil || !strings.HasPrefix(resp.Header.Get("Content-Disposition"), "attachment") {
		t.Fatal(err, resp.Header)
	}
	data, err := app.Export.Do(t.Context(), w.App, app.Who{Who: "p1"})
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := json.Marshal(data)
	if err := json.Unmarshal(raw, &want); err != nil || len(got) != len(want) || len(got) < 5 {
		t.Errorf("%d parts handed out, the operation has %d, %v", len(got), len(want), err)
	}
	for _, typed := range []string{"", "p2", "forget"} {
		if resp := w.post("/forget", url.Values{"who": {"p1"}, "confirm": {typed}}); resp.StatusCode != http.StatusConflict {
			t.Errorf("typed %q: %s", typed, resp.Status)
		}
	}
	w.get("/person/p1")
	if done := w.post("/forget", url.Values{"who": {"p1"}, "confirm": {"p1"}}); done.StatusCode != http.StatusOK || !strings.Contains(body(t, done), "forgotten") {
		t.Errorf("forget: %s", done.Status)
	}
	if _, err := app.Explain.Do(t.Context(), w.App, app.Who{Who: "p1"}); err == nil {
		t.Error("they are still there")
	}
	if log := w.log.String(); !strings.Contains(log, "exported a person on the page") || !strings.Contains(log, "forgot a person on the page") {
		t.Errorf("the log says\n%s", log)
	}
}

// Promise: the curve goes through the score of the receipt and only falls after it.
func TestCurveOfAPerson(t *testing.T) {
	w := newWorld(t, "en", "")
	r, err := app.Explain.Do(t.Context(), w.App, app.Who{Who: "p1"})
	if err != nil {
		t.Fatal(err)
	}
	c := curveOf(r)
	var ys []int
	for _, m := range regexp.MustCompile(`\d+,(\d+)`).FindAllStringSubmatch(c.Coming, -1) {
		y, _ := strconv.Atoi(m[1])
		ys = append(ys, y)
	}
	if ys[0] != curveHigh-r.Parts.Score*curveHigh/1000 || !slices.IsSorted(ys) || len(ys) < curveAfter || !strings.HasSuffix(c.Past, strings.Fields(c.Coming)[0]) {
		t.Errorf("%+v", c)
	}
}
