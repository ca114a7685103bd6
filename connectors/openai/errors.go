package openai

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/modelkit"
)

// creditPause is how long a model without credit is left alone: somebody has to pay in first.
const creditPause = time.Hour

// classify gives an error of the call its kind.
func (m *Model) classify(op string, err error) *connectors.Error {
	var public *publicAddress
	if errors.As(err, &public) {
		e := connectors.Errorf(connectors.Config, op, "%s", public.Error())
		e.Fix = "write https:// in model.base_url, or name a server of your own network"
		return e
	}
	var api *refusal
	if connectors.Interrupted(err) || !errors.As(err, &api) {
		return modelkit.Unanswered(op, err, m.o.APIKey)
	}
	e := &connectors.Error{Kind: connectors.Transient, Op: op, Code: modelkit.Word(api.code), Message: modelkit.Clean(api.message, m.o.APIKey)}
	if api.code == "" || e.Code == "unknown reason" {
		e.Code = strconv.Itoa(api.status)
	}
	switch status := api.status; {
	case status == http.StatusUnauthorized:
		e.Kind, e.Fix = connectors.Auth, "put a valid key into model.api_key_file"
	case status == http.StatusForbidden:
		e.Kind, e.Fix = connectors.Auth, "give the key the right to use the model"
	case status == http.StatusPaymentRequired, broke(api.code), broke(api.kind):
		e.Kind, e.Until, e.Fix = connectors.Quota, m.o.Now().Add(creditPause), "add credit at the vendor, or raise the project's limit"
	case status == http.StatusNotFound, api.code == "model_not_found":
		e.Kind, e.Fix = connectors.Config, "set model.name to a model that the server has, and model.base_url to the address before /chat/completions"
	case status == http.StatusTooManyRequests:
		delay := wait(status, api.header, nil)
		if delay <= 0 {
			delay = modelkit.DefaultDelay
		}
		e.Kind, e.Until = connectors.RateLimited, m.o.Now().Add(delay)
		if delay > time.Hour {
			e.Kind = connectors.Quota
		}
	case status == http.StatusBadRequest, status == http.StatusRequestEntityTooLarge, status == http.StatusUnsupportedMediaType, status == http.StatusUnprocessableEntity:
		e.Kind = connectors.Rejected // that it concerns every prompt is asked when it looks so
	case status >= 300 && status < 400, status == http.StatusMethodNotAllowed:
		e.Kind, e.Fix = connectors.Config, "check "+settings
	}
	return e
}

// broke are the vendor's codes for an account without credit, which come as a limit that no waiting ends.
func broke(code string) bool {
	return code == "insufficient_quota" || code == "billing_hard_limit_reached" || code == "billing_not_active"
}

// wait is how long an answer says to wait.
func wait(_ int, h http.Header, body []byte) time.Duration {
	var said struct{ Error struct{ Code, Type string } }
	if json.Unmarshal(body, &said) == nil && (broke(said.Error.Code) || broke(said.Error.Type)) {
		return creditPause
	}
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil && ms > 0 && ms < 1e11 {
		return time.Duration(ms * float64(time.Millisecond))
	}
	delay := modelkit.HeaderDelay(h)
	for _, what := range []string{"Requests", "Tokens"} { // what is used up comes back at its reset
		if h.Get("X-Ratelimit-Remaining-"+what) != "0" {
			continue
		}
		if d, err := time.ParseDuration(h.Get("X-Ratelimit-Reset-" + what)); err == nil {
			delay = max(delay, d)
		}
	}
	return delay
}

// finding tells an error of the probe.
func finding(err error) connectors.Finding {
	f := connectors.Finding{Code: "openai.unreachable", Severity: connectors.Failure, Message: err.Error(), Fix: "check the network, a proxy, and model.base_url"}
	var e *connectors.Error
	if errors.As(err, &e) && e.Fix != "" {
		f.Fix = e.Fix
	}
	switch connectors.KindOf(err) {
	case connectors.Auth:
		f.Code = "openai.auth"
	case connectors.Config, connectors.Rejected:
		f.Code = "openai.config"
	case connectors.Quota, connectors.RateLimited:
		f.Code, f.Severity = "openai.limited", connectors.Warning
	}
	return f
}

// transport reaches the server. Over plain http no proxy is asked, and what a name stands for is looked at when the connection is made.
func transport(base string, concurrency int) http.RoundTripper {
	t := modelkit.Transport(concurrency)
	if u, err := url.Parse(base); err == nil && u.Scheme == "http" {
		t.Proxy = nil
		t.DialContext = (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second, Control: privateOnly}).DialContext
	}
	return t
}

func privateOnly(_, address string, _ syscall.RawConn) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	ip, err := netip.ParseAddr(strings.Split(host, "%")[0])
	if err != nil || !connectors.PrivateAddress(ip) {
		return &modelkit.Final{Err: &publicAddress{host}}
	}
	return nil
}

// publicAddress is a connection that was not made.
type publicAddress struct{ address string }

func (e *publicAddress) Error() string {
	return fmt.Sprintf("model.base_url leads to %s, a public address, where journeys would travel unencrypted", e.address)
}
