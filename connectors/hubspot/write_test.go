package hubspot

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/crmkit"
	"github.com/intentd/intentd/connectors/sandbox"
)

func scores(n int) []connectors.Patch {
	patches := make([]connectors.Patch, n)
	for i := range patches {
		patches[i] = score(strconv.Itoa(i+1), "64.4")
	}
	return patches
}

func TestBatchesHoldAHundredStringsAndNoIdTwice(t *testing.T) {
	c, f := connect(t, func(s seen) reply { return batch(s.inputs()...) })
	patches := append(scores(250), score("7", "1.0"), score("7", "2.0"))
	results, err := c.Write(t.Context(), patches)
	if err != nil || len(results) != 252 {
		t.Fatal(len(results), err)
	}
	var sizes []int
	for _, s := range f.request {
		if s.method != "POST" || s.path != "/crm/objects/2026-09/contacts/batch/update" {
			t.Errorf("%s %s", s.method, s.path)
		}
		ids := s.inputs()
		sizes = append(sizes, len(ids))
		slices.Sort(ids)
		if len(slices.Compact(ids)) != sizes[len(sizes)-1] {
			t.Error("an id stands in a batch twice")
		}
		var body struct {
			Inputs []struct {
				ID         string
				Trace      string `json:"objectWriteTraceId"`
				Properties map[string]any
				IDProperty string
			}
		}
		if err := json.Unmarshal([]byte(s.body), &body); err != nil {
			t.Fatal(err)
		}
		traces := map[string]bool{}
		for _, in := range body.Inputs {
			traces[in.Trace] = true
			if _, text := in.Properties["intent_score"].(string); !text || in.IDProperty != "" {
				t.Errorf("input %+v", in)
			}
		}
		if len(traces) != len(body.Inputs) {
			t.Error("traces repeat")
		}
	}
	slices.Sort(sizes)
	if !slices.Equal(sizes, []int{1, 1, 50, 100, 100}) {
		t.Errorf("batches of %v", sizes)
	}
	if last := f.request[4].body; !strings.Contains(last, `"2"`) {
		t.Errorf("the newest patch of a record went out before an older one: %s", last)
	}
}

func TestAMergedIdMissingFromA200IsFound(t *testing.T) {
	c, f := connect(t, func(s seen) reply {
		switch {
		case strings.HasSuffix(s.path, "/batch/update"):
			return batch("1", "3") // 2 is left out without a word
		case strings.HasSuffix(s.path, "/batch/read"):
			return ok(`{"status":"COMPLETE","results":[]}`)
		case s.path == "/crm/objects/2026-09/contacts/2":
			return ok(`{"id":"900","properties":{}}`)
		}
		return reply{status: 500}
	})
	results, err := c.Write(t.Context(), scores(3))
	if err != nil || results[0].Err != nil || results[2].Err != nil {
		t.Fatal(err, results)
	}
	e, _ := results[1].Err.(*connectors.Error)
	if e == nil || e.Kind != connectors.Gone || e.State != connectors.Merged || e.Into != ref("900") {
		t.Errorf("%+v", results[1].Err)
	}
	if results[0].Modified.IsZero() || len(f.request) != 4 {
		t.Errorf("%+v after %d requests", results[0], len(f.request))
	}
}

func TestErrorsInsideA2xxBelongToTheirRows(t *testing.T) {
	for _, status := range []int{200, 207} {
		c, _ := connect(t, func(s seen) reply {
			switch {
			case strings.HasSuffix(s.path, "/batch/update"):
				a := batch("1", "5")
				a.status = status
				// One entry for two ids: numErrors counts entries.
				a.body = strings.TrimSuffix(a.body, "}") + `,"numErrors":2,"errors":[
					{"status":"error","category":"OBJECT_NOT_FOUND","message":"Could not get some CONTACT objects","context":{"ids":["2","3"]}},
					{"status":"error","category":"VALIDATION_ERROR","message":"intent_score of ann@example.com is not allowed","context":{"ids":["4"]}}]}`
				return a
			case strings.HasSuffix(s.path, "/batch/read") && s.query == "archived=true":
				return ok(`{"results":[{"id":"2","archived":true,"properties":{}}]}`)
			case strings.HasSuffix(s.path, "/batch/read"):
				return ok(`{"results":[]}`)
			}
			return reply{status: 404, body: `{"status":"error","category":"OBJECT_NOT_FOUND","message":"resource not found"}`}
		})
		results, err := c.Write(t.Context(), scores(5))
		if err != nil || results[0].Err != nil || results[4].Err != nil {
			t.Fatal(err, results)
		}
		for i, want := range map[int]connectors.State{1: connectors.Archived, 2: connectors.Erased} {
			if e, _ := results[i].Err.(*connectors.Error); e == nil || e.Kind != connectors.Gone || e.State != want {
				t.Errorf("row %d: %v, want gone as %s", i, results[i].Err, want)
			}
		}
		e, _ := results[3].Err.(*connectors.Error)
		if e == nil || e.Kind != connectors.Rejected || e.Message != "intent_score of [e-mail] is not allowed" {
			t.Errorf("%+v", results[3].Err)
		}
	}
}

func TestA200ThatIsAnErrorIsHalved(t *testing.T) {
	c, f := connect(t, func(s seen) reply {
		if ids := s.inputs(); slices.Contains(ids, "3") {
			return ok(`{"status":"error","category":"VALIDATION_ERROR","message":"bad","errors":[{"message":"bad value","code":"INVALID_OPTION"}]}`)
		}
		return batch(s.inputs()...)
	})
	results, err := c.Write(t.Context(), scores(4))
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if (r.Err != nil) != (i == 2) {
			t.Errorf("row %d: %v", i, r.Err)
		}
	}
	if e := results[2].Err.(*connectors.Error); e.Kind != connectors.Rejected || e.Code != "INVALID_OPTION" || e.Message != "bad value" {
		t.Errorf("%+v", e)
	}
	if len(f.request) != 5 {
		t.Errorf("%d requests", len(f.request))
	}
}

func invalid(code, message string) reply {
	return reply{status: 400, body: fmt.Sprintf(`{"status":"error","category":"VALIDATION_ERROR","message":"Property values were not valid","errors":[{"message":%q,"code":%q}]}`, message, code)}
}

func TestABadRowIsFoundByHalving(t *testing.T) {
	c, f := connect(t, func(s seen) reply {
		if slices.Contains(s.inputs(), "42") {
			return invalid("INVALID_OPTION", "medium was not one of the allowed options")
		}
		return batch(s.inputs()...)
	})
	results, err := c.Write(t.Context(), scores(100))
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if (r.Err != nil) != (i == 41) {
			t.Fatalf("row %d: %v", i, r.Err)
		}
	}
	if e := results[41].Err.(*connectors.Error); e.Kind != connectors.Rejected || !strings.Contains(e.Message, "allowed options") {
		t.Errorf("%+v", e)
	}
	if n := len(f.request); n > 15 { // 1 + 2·log₂ 100
		t.Errorf("%d requests for one bad row of 100", n)
	}
}

func TestARemovedOptionIsRefusedOnceForAllItsRows(t *testing.T) {
	c, f := connect(t, func(s seen) reply {
		if strings.Contains(s.body, `"medium"`) {
			return reply{status: 400, body: `{"status":"error","category":"VALIDATION_ERROR","message":"Property values were not valid: [{\"isValid\":false,\"message\":\"medium was not one of the allowed options\",\"error\":\"INVALID_OPTION\",\"name\":\"intent_tier\"}]"}`}
		}
		return batch(s.inputs()...)
	})
	patches := scores(100)
	tiers := []string{"high", "medium", "medium", "low"}
	for i := range patches {
		if i%10 > 0 {
			patches[i].Fields[connectors.FieldTier] = tiers[i%4]
		}
	}
	results, err := c.Write(t.Context(), patches)
	if err != nil || len(f.request) != 5 {
		t.Fatalf("%d requests, %v", len(f.request), err)
	}
	for i, r := range results {
		want := connectors.Kind(0)
		if patches[i].Fields[connectors.FieldTier] == "medium" {
			want = connectors.Rejected
		}
		if connectors.KindOf(r.Err) != want {
			t.Errorf("row %d: %v", i, r.Err)
		}
	}
}

func TestARowThatTheRefusalNamesNeedsNoHalving(t *testing.T) {
	c, f := connect(t, func(s seen) reply {
		if slices.Contains(s.inputs(), "42") {
			return reply{status: 400, body: `{"status":"error","message":"bad","errors":[{"message":"a rule of yours","code":"MISSING_CONDITIONAL_REQUIRED_PROPERTY","context":{"objectWriteTraceId":["42"]}}]}`}
		}
		return batch(s.inputs()...)
	})
	results, err := c.Write(t.Context(), scores(100))
	if err != nil || len(f.request) != 2 {
		t.Fatal(len(f.request), err)
	}
	e, _ := results[41].Err.(*connectors.Error)
	if e == nil || e.Kind != connectors.Rejected || e.Code != "MISSING_CONDITIONAL_REQUIRED_PROPERTY" || e.Message != "a rule of yours" {
		t.Errorf("%+v", results[41].Err)
	}
}

func TestAnUnknownPropertyIsSaidOnceInEveryFormOfTheAnswer(t *testing.T) {
	for name, body := range map[string]string{
		"whole":        `{"status":"error","message":"Property values were not valid: [{\"isValid\":false,\"message\":\"Property \\\"x\\\" does not exist\",\"error\":\"PROPERTY_DOESNT_EXIST\",\"name\":\"x\"}]","correlationId":"1","errors":[{"message":"Property \"x\" does not exist","code":"PROPERTY_DOESNT_EXIST","context":{"propertyName":["x"]}}],"category":"VALIDATION_ERROR"}`,
		"message only": `{"message":"Property values were not valid: [{\"isValid\":false,\"message\":\"Property \\\"x\\\" does not exist\",\"error\":\"PROPERTY_DOESNT_EXIST\",\"name\":\"x\"}]"}`,
		"errors only":  `{"errors":[{"code":"PROPERTY_DOESNT_EXIST"}]}`,
	} {
		c, f := connect(t, func(seen) reply { return reply{status: 400, body: body} }, func(o *Options) { o.WriteConcurrency = 1 })
		results, err := c.Write(t.Context(), scores(1000))
		e, _ := err.(*connectors.Error)
		if e == nil || e.Kind != connectors.Config || !strings.Contains(e.Fix, "intentd provision") {
			t.Fatalf("%s: %+v", name, err)
		}
		if len(f.request) != 1 {
			t.Errorf("%s: %d requests", name, len(f.request))
		}
		for _, r := range results {
			if r.Err != err {
				t.Fatalf("%s: a row says %v", name, r.Err)
			}
		}
	}
}

func TestNumbersHaveNoExponent(t *testing.T) {
	for in, want := range map[string]string{"64.4": "64.4", "1.4e-14": "0.000000000000014", "1e21": "1000000000000000000000", "0": "0", "": "", "100.0": "100"} {
		got, err := crmkit.ToWire(connectors.TypeNumber, in)
		if err != nil || got != want {
			t.Errorf("%q is sent as %q, %v, want %q", in, got, err, want)
		}
	}
}

func TestWriteStopsAtWhatConcernsAll(t *testing.T) {
	for status, kind := range map[int]connectors.Kind{401: connectors.Auth, 403: connectors.Auth, 477: connectors.Quota, 530: connectors.Auth, 503: connectors.Transient} {
		synctest.Test(t, func(t *testing.T) {
			c, f := connect(t, func(s seen) reply {
				if slices.Contains(s.inputs(), "1") {
					return batch(s.inputs()...)
				}
				return reply{status: status}
			}, func(o *Options) { o.WriteConcurrency = 1 })
			results, err := c.Write(t.Context(), scores(500))
			if connectors.KindOf(err) != kind {
				t.Errorf("%d: %v", status, err)
			}
			for i, r := range results {
				if (r.Err == nil) != (i < 100) || i >= 100 && connectors.KindOf(r.Err) != kind {
					t.Fatalf("%d: row %d: %v", status, i, r.Err)
				}
			}
			if n := len(f.request); n > 6 {
				t.Errorf("%d: %d requests", status, n)
			}
		})
	}
}

func TestSeveralBatchesAreInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := sandbox.NewHubSpot(sandbox.HubSpotOptions{})
		c, err := New(Options{Token: "pat-na1-sandbox", HTTP: h.Transport(), WriteConcurrency: 3})
		must(t, err)
		_, err = c.Apply(t.Context())
		must(t, err)
		var patches []connectors.Patch
		for i := range 900 {
			patches = append(patches, score(h.CreateContact(map[string]string{"email": fmt.Sprintf("p%d@example.com", i)}), "1.0"))
		}
		h.Faults().Add(sandbox.Fault{Path: "/batch/update", Delay: time.Second, Times: -1})
		start := time.Now()
		if _, err := c.Write(t.Context(), patches); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d != 3*time.Second {
			t.Errorf("9 batches of a second, 3 in flight, took %s", d)
		}
	})
}

func TestAnUnacknowledgedLiveRowIsTransientUnlessItHoldsTheValues(t *testing.T) {
	for value, kind := range map[string]connectors.Kind{"64.40": 0, "1": connectors.Transient} {
		c, _ := connect(t, func(s seen) reply {
			if strings.HasSuffix(s.path, "/batch/update") {
				return ok(`{"status":"COMPLETE","results":[]}`)
			}
			return ok(fmt.Sprintf(`{"results":[{"id":"1","properties":{"intent_score":%q}}]}`, value))
		})
		results, err := c.Write(t.Context(), scores(1))
		if err != nil || connectors.KindOf(results[0].Err) != kind {
			t.Errorf("%s: %v, %v", value, err, results[0].Err)
		}
	}
}

func TestTwoFieldsOnOnePropertyAreNotWritten(t *testing.T) {
	c, f := connect(t, func(seen) reply { return reply{status: http.StatusTeapot} }, func(o *Options) {
		o.Fields = map[string]string{connectors.FieldScore: "intent_tier"}
	})
	_, err := c.Write(t.Context(), scores(1))
	if connectors.KindOf(err) != connectors.Config || len(f.request) != 0 {
		t.Errorf("%v after %d requests", err, len(f.request))
	}
}

// One record over which HubSpot fails, whatever the status, costs no other its write, now or in any later batch.
func TestOneRecordThatHubSpotFailsOverIsIsolated(t *testing.T) {
	for _, status := range []int{409, 423, 500, 504} {
		synctest.Test(t, func(t *testing.T) {
			c, f := connect(t, func(s seen) reply {
				for _, id := range []string{"42", "43", "90"} {
					if slices.Contains(s.inputs(), id) {
						return reply{status: status, body: `{"status":"error","message":"this record is busy"}`}
					}
				}
				return batch(s.inputs()...)
			})
			results, err := c.Write(t.Context(), scores(100))
			must(t, err)
			for i, r := range results {
				bad := i == 41 || i == 42 || i == 89
				if bad != (r.Err != nil) || bad && (connectors.KindOf(r.Err) != connectors.Rejected || !connectors.Passing(r.Err)) {
					t.Errorf("%d: row %d: %v", status, i+1, r.Err)
				}
			}
			if n := len(f.request); n > 40 {
				t.Errorf("%d: %d requests", status, n)
			}
			// All of them fail: it is nobody's fault.
			for _, n := range []int{1, 2, 100} {
				c, f = connect(t, func(seen) reply { return reply{status: 500} })
				results, err = c.Write(t.Context(), scores(n))
				if connectors.KindOf(err) != connectors.Transient || connectors.KindOf(results[0].Err) != connectors.Transient || len(f.request) > 5+isolateTries {
					t.Errorf("an outage, %d rows: %v after %d requests", n, err, len(f.request))
				}
			}
		})
	}
}

// A partial answer whose errors name nobody: the rows that were left out are sent again until the error is one row's.
func TestAnErrorThatNamesNobodyFindsItsRow(t *testing.T) {
	c, f := connect(t, func(s seen) reply {
		if strings.HasSuffix(s.path, "/batch/read") {
			return batch(s.inputs()...)
		}
		var good []string
		for _, id := range s.inputs() {
			if id != "42" && id != "77" {
				good = append(good, id)
			}
		}
		a := batch(good...)
		if len(good) < len(s.inputs()) {
			a.status, a.body = 207, strings.TrimSuffix(a.body, "}")+`,"numErrors":1,"errors":[{"status":"error","category":"VALIDATION_ERROR","message":"a rule of yours"}]}`
		}
		return a
	})
	results, err := c.Write(t.Context(), scores(100))
	must(t, err)
	for i, r := range results {
		e, _ := r.Err.(*connectors.Error)
		if bad := i == 41 || i == 76; bad != (e != nil) || bad && (e.Kind != connectors.Rejected || e.Message != "a rule of yours" || e.Passing) {
			t.Errorf("row %d: %v", i+1, r.Err)
		}
	}
	if n := len(f.request); n > 8 {
		t.Errorf("%d requests", n)
	}
}

// The rows of a batch that HubSpot acknowledged are acknowledged, whatever it says of the others.
func TestAMissingPropertyInA207CostsNoAcknowledgedRow(t *testing.T) {
	c, _ := connect(t, func(s seen) reply {
		a := batch("1", "3")
		a.status, a.body = 207, strings.TrimSuffix(a.body, "}")+`,"errors":[{"code":"PROPERTY_DOESNT_EXIST","message":"x","context":{"ids":["2"]}}]}`
		return a
	})
	results, err := c.Write(t.Context(), scores(3))
	if connectors.KindOf(err) != connectors.Config || results[0].Err != nil || results[1].Err == nil || results[2].Err != nil {
		t.Errorf("%v, %v", err, results)
	}
}

func TestASizeThatHubSpotTakesIsRemembered(t *testing.T) {
	c, f := connect(t, func(s seen) reply {
		if len(s.inputs()) > 30 {
			return reply{status: 413}
		}
		return batch(s.inputs()...)
	})
	for i, most := range []int{7, 4} { // 100, 50 and 25 twice, each half; then four of 25
		before := len(f.request)
		results, err := c.Write(t.Context(), scores(100))
		must(t, err)
		for _, r := range results {
			must(t, r.Err)
		}
		if n := len(f.request) - before; n > most {
			t.Errorf("write %d: %d requests", i, n)
		}
	}
}
