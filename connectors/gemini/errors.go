package gemini

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genai"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/modelkit"
)

// classify gives an error of the SDK its kind.
func (m *Model) classify(op string, err error) *connectors.Error {
	var token *tokenError
	if errors.As(err, &token) && !connectors.Interrupted(err) {
		return &connectors.Error{
			Kind: connectors.Auth, Op: op, Code: "token", Message: modelkit.Clean(token.Error(), m.o.APIKey),
			Fix: "check model.vertex.credentials_file and the account's rights",
		}
	}
	var api genai.APIError // a value, not a pointer
	if connectors.Interrupted(err) || !errors.As(err, &api) {
		return modelkit.Unanswered(op, err, m.o.APIKey)
	}
	e := &connectors.Error{Kind: connectors.Transient, Op: op, Code: modelkit.Word(api.Status), Message: modelkit.Clean(api.Message, m.o.APIKey)}
	if api.Status == "" || e.Code == "unknown reason" {
		e.Code = strconv.Itoa(api.Code)
	}
	now := m.o.Now()
	switch {
	case reasonIs(api.Details, "API_KEY_INVALID", "API_KEY_SERVICE_BLOCKED", "API_KEY_HTTP_REFERRER_BLOCKED", "API_KEY_IP_ADDRESS_BLOCKED", "ACCESS_TOKEN_EXPIRED"),
		api.Code == http.StatusUnauthorized:
		e.Kind, e.Fix = connectors.Auth, "put a valid key of the Gemini API into model.api_key_file"
	case reasonIs(api.Details, "SERVICE_DISABLED", "BILLING_DISABLED"):
		e.Kind, e.Fix = connectors.Config, "enable the API and billing in the Google Cloud project of the key"
	case api.Status == "FAILED_PRECONDITION":
		e.Kind, e.Fix = connectors.Config, "enable billing for the key's project, or call from a country where the free tier is offered"
	case api.Code == http.StatusForbidden:
		e.Kind, e.Fix = connectors.Auth, "give the key or account the right to call the model"
	case api.Code == http.StatusNotFound:
		e.Kind, e.Fix = connectors.Config, "set model.name to a model that this key can use"
	case api.Code == http.StatusTooManyRequests:
		delay := retryDelay(api.Details, nil)
		if delay <= 0 {
			delay = modelkit.DefaultDelay
		}
		e.Kind, e.Until = connectors.RateLimited, now.Add(delay)
		if perDay(api.Details) {
			e.Kind, e.Until = connectors.Quota, pacificMidnight(now)
			e.Fix = "raise the daily quota of the project or wait until " + e.Until.Format(time.RFC3339)
		} else if delay > time.Hour {
			e.Kind = connectors.Quota
		}
	case api.Code == http.StatusRequestEntityTooLarge, api.Code == http.StatusBadRequest:
		// Something in this prompt, such as a picture that the vendor cannot read. That it concerns every prompt is asked when it looks so.
		e.Kind = connectors.Rejected
	case api.Code >= 300 && api.Code < 400, api.Code == http.StatusMethodNotAllowed:
		e.Kind, e.Fix = connectors.Config, "check "+settings
	}
	return e
}

// settings are what makes every prompt wrong.
const settings = "model.name, model.thinking, model.temperature and model.base_url"

func reasonIs(details []map[string]any, reasons ...string) bool {
	for _, d := range details {
		r, _ := d["reason"].(string)
		for _, want := range reasons {
			if r == want {
				return true
			}
		}
	}
	return false
}

// wait is how long an answer says to wait: Gemini puts it into the body, and a limit per day ends at the vendor's midnight.
func wait(now func() time.Time) func(int, http.Header, []byte) time.Duration {
	return func(_ int, h http.Header, body []byte) time.Duration {
		var said struct {
			Error genai.APIError `json:"error"`
		}
		_ = json.Unmarshal(body, &said) // a proxy's page has no delay
		delay := retryDelay(said.Error.Details, h)
		if perDay(said.Error.Details) {
			delay = max(delay, pacificMidnight(now()).Sub(now()))
		}
		return delay
	}
}

// retryDelay is the wait that an error states: RetryInfo.retryDelay ("34.5s") in its details, or the header.
func retryDelay(details []map[string]any, h http.Header) time.Duration {
	delay := modelkit.HeaderDelay(h)
	for _, d := range details {
		if t, _ := d["@type"].(string); !strings.HasSuffix(t, "google.rpc.RetryInfo") {
			continue
		}
		s, _ := d["retryDelay"].(string)
		if v, err := time.ParseDuration(s); err == nil && v > delay {
			delay = v
		}
	}
	return delay
}

// perDay says whether a quota that was exceeded is counted by the day: QuotaFailure names it in quotaId
// ("GenerateRequestsPerDayPerProjectPerModel-FreeTier").
func perDay(details []map[string]any) bool {
	for _, d := range details {
		if t, _ := d["@type"].(string); !strings.HasSuffix(t, "google.rpc.QuotaFailure") {
			continue
		}
		violations, _ := d["violations"].([]any)
		for _, v := range violations {
			m, _ := v.(map[string]any)
			for _, key := range []string{"quotaId", "quotaMetric", "subject"} {
				s, _ := m[key].(string)
				s = strings.ToLower(s)
				if strings.Contains(s, "perday") || strings.Contains(s, "per_day") || strings.Contains(s, "daily") {
					return true
				}
			}
		}
	}
	return false
}

// pacificMidnight is when the vendor's daily quotas begin anew. Without zone data it is taken at the later of the two offsets.
func pacificMidnight(now time.Time) time.Time {
	loc, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		loc = time.FixedZone("Pacific", -8*3600)
	}
	y, m, d := now.In(loc).Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, loc)
}
