package openai_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/connectortest"
	"github.com/intentd/intentd/connectors/openai"
	"github.com/intentd/intentd/connectors/openai/openaitest"
)

func TestModel(t *testing.T) {
	learned := false // the trial is asked to find out first, and later to tell whose fault a refusal is
	connectortest.Model(t, connectortest.ModelVendor{
		New: func(t testing.TB, rt http.RoundTripper, key string) connectors.Model {
			learned = false
			return model(t, rt, func(o *openai.Options) { o.APIKey = key })
		},
		Learning: func(w http.ResponseWriter, body []byte) bool {
			switch {
			case bytes.Contains(body, []byte("Count from 1 to 100")):
				_ = openaitest.Write(w, "own-model", "one\ntwo", "length", true, true, 10, 16)
			case !learned && bytes.Contains(body, []byte(`{\"ok\": true}`)):
				learned = true
				_ = openaitest.Write(w, "own-model", `{"ok":true}`, "stop", true, true, 10, 5)
			default:
				return false
			}
			return true
		},
		Write: func(w http.ResponseWriter, r connectortest.ModelReply) {
			status, code := http.StatusOK, ""
			switch r.Failure {
			case connectortest.ModelRefusesAsk:
				status = http.StatusBadRequest
			case connectortest.ModelRefusesKey:
				status, code = http.StatusUnauthorized, "invalid_api_key"
			case connectortest.ModelUnknown:
				status, code = http.StatusNotFound, "model_not_found"
			case connectortest.ModelBusy:
				status, code = http.StatusTooManyRequests, "rate_limit_exceeded"
				w.Header().Set("Retry-After", "2")
			case connectortest.ModelUsedUp:
				status, code = http.StatusTooManyRequests, "insufficient_quota"
			case connectortest.ModelBroken:
				status = http.StatusInternalServerError
			default:
				finish := map[connectortest.ModelEnd]string{
					connectortest.ModelStopped: "stop", connectortest.ModelCut: "length", connectortest.ModelBlocked: "content_filter",
				}[r.End]
				_ = openaitest.Write(w, "own-model", r.Text, finish, r.In+r.Out > 0, true, r.In, r.Out)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"message": r.Message, "type": strings.ToLower(http.StatusText(status)), "code": code}})
		},
	})
}
