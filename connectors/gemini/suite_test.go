package gemini_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/connectortest"
	"github.com/intentd/intentd/connectors/gemini"
	"github.com/intentd/intentd/connectors/gemini/geminitest"
)

func TestModel(t *testing.T) {
	connectortest.Model(t, connectortest.ModelVendor{
		New: func(t testing.TB, rt http.RoundTripper, key string) connectors.Model {
			return model(t, rt, func(o *gemini.Options) {
				o.APIKey, o.Prices = key, map[string]gemini.Price{"gemini-3.5-flash-lite": {In: 1, Out: 2}}
			})
		},
		Write: func(w http.ResponseWriter, r connectortest.ModelReply) {
			const google = "type.googleapis.com/google.rpc."
			fail := func(code int, status string, details ...any) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(code)
				_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"code": code, "message": r.Message, "status": status, "details": details}})
			}
			limit := func(id string) any {
				return map[string]any{"@type": google + "QuotaFailure", "violations": []any{map[string]any{"quotaId": id}}}
			}
			delay := map[string]any{"@type": google + "RetryInfo", "retryDelay": "2s"}
			switch r.Failure {
			case connectortest.ModelRefusesAsk:
				fail(http.StatusBadRequest, "INVALID_ARGUMENT")
			case connectortest.ModelRefusesKey:
				fail(http.StatusBadRequest, "INVALID_ARGUMENT", map[string]any{"@type": google + "ErrorInfo", "reason": "API_KEY_INVALID"})
			case connectortest.ModelUnknown:
				fail(http.StatusNotFound, "NOT_FOUND")
			case connectortest.ModelBusy:
				fail(http.StatusTooManyRequests, "RESOURCE_EXHAUSTED", limit("GenerateRequestsPerMinutePerProjectPerModel"), delay)
			case connectortest.ModelUsedUp:
				fail(http.StatusTooManyRequests, "RESOURCE_EXHAUSTED", limit("GenerateRequestsPerDayPerProjectPerModel"), delay)
			case connectortest.ModelBroken:
				fail(http.StatusInternalServerError, "INTERNAL")
			default:
				// An empty first part and the signature of a thought come along in the field.
				parts := []any{map[string]any{"text": ""}, map[string]any{"text": "Hm.", "thought": true}, map[string]any{"text": r.Text, "thoughtSignature": "c2ln"}}
				c := map[string]any{"index": 0, "content": map[string]any{"role": "model", "parts": parts}}
				if finish := map[connectortest.ModelEnd]string{
					connectortest.ModelStopped: "STOP", connectortest.ModelCut: "MAX_TOKENS", connectortest.ModelBlocked: "SAFETY",
				}[r.End]; finish != "" {
					c["finishReason"] = finish
				}
				reply := map[string]any{"candidates": []any{c}}
				if r.In+r.Out > 0 {
					usage := map[string]any{"promptTokenCount": r.In}
					if r.Out > 0 {
						usage["candidatesTokenCount"] = r.Out
					}
					reply["usageMetadata"] = usage
				}
				w.Header().Set("Content-Type", "application/json")
				_ = json.NewEncoder(w).Encode(reply)
			}
		},
	})
}

func TestBatch(t *testing.T) {
	connectortest.Batch(t, connectortest.BatchVendor{
		New: func(t testing.TB, rt http.RoundTripper) connectors.Model {
			return model(t, rt, func(o *gemini.Options) { o.Prices = map[string]gemini.Price{"gemini-3.5-flash-lite": {In: 1, Out: 2}} })
		},
		Stage: func(plan connectortest.BatchPlan) (http.RoundTripper, func() (int, int)) {
			s := &geminitest.Server{Answer: func(p connectors.Prompt) []byte {
				var said struct{ Typed string }
				_ = json.Unmarshal([]byte(p.User), &said)
				raw, _ := json.Marshal(map[string]string{"want": said.Typed})
				return raw
			}}
			b := geminitest.Batches{Files: plan.Files, Lost: plan.Lost}
			if plan.Endless {
				b.Looks = -1
			}
			if plan.Fails {
				b.End = "EXPIRED"
			}
			if plan.Lose {
				b.Refuse = geminitest.Internal
			}
			if plan.Refuse {
				b.Refuse = geminitest.RateDay
			}
			if plan.Crowded {
				b.PageSize = 1
			}
			s.SetBatches(b)
			return s, func() (int, int) {
				names, opened, files := s.Jobs()
				return opened, len(names) + files
			}
		},
	})
}
