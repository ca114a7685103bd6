package salesforce

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// failure is an error of a request, which calls its code errorCode, or of a row, which calls it statusCode; or the token
// endpoint's.
type failure struct {
	Message     string   `json:"message"`
	ErrorCode   string   `json:"errorCode"`
	StatusCode  string   `json:"statusCode"`
	Fields      []string `json:"fields"`
	OAuth       string   `json:"error"`
	Description string   `json:"error_description"`
}

func (f failure) code() string {
	for _, c := range []string{f.StatusCode, f.ErrorCode, f.OAuth} {
		if c != "" {
			return c
		}
	}
	return ""
}

func (f failure) message() string {
	if f.Message != "" {
		return f.Message
	}
	return f.Description
}

// parseFailure reads an error body leniently: a list of errors, or a single one.
func parseFailure(body []byte) failure {
	var list []failure
	if transport.Lenient(json.Unmarshal(body, &list)) == nil && len(list) > 0 {
		first := list[0]
		for _, more := range list[1:] {
			if m := more.message(); m != "" && m != first.Message {
				first.Message += "; " + m
			}
		}
		return first
	}
	var one failure
	_ = transport.Lenient(json.Unmarshal(body, &one)) // what cannot be read is as good as absent
	return one
}

// Codes that decide something beyond their kind.
const (
	codeLocked       = "UNABLE_TO_LOCK_ROW"
	codeInvalidField = "INVALID_FIELD"
	codeInvalidType  = "INVALID_TYPE"
	codeLimit        = "REQUEST_LIMIT_EXCEEDED"
	codeNoAccess     = "INSUFFICIENT_ACCESS_OR_READONLY"
	codeDuplicate    = "DUPLICATE_VALUE"
	codeNotFound     = "NOT_FOUND"
	codeDeleted      = "ENTITY_IS_DELETED"
	codeTooManyIDs   = "EXCEEDED_ID_LIMIT"
	codeLocator      = "INVALID_QUERY_LOCATOR"
)

// Ways to put things right.
const (
	provisionFix = "run `intentd provision` to see what is missing and `intentd provision --apply` to make it"
	accessFix    = "let the integration user edit these records: object permissions on leads and contacts, and sharing"
	apiFix       = "give the integration user the permission \"API Enabled\", on an edition that has the API"
)

// kindOf is what an error code means for a row or a request of which nothing was done.
func kindOf(code string) (connectors.Kind, string) {
	switch code {
	case codeLocked, "QUERY_TIMEOUT", "SERVER_UNAVAILABLE", "UNKNOWN_EXCEPTION", "REQUEST_RUNNING_TOO_LONG", "OPERATION_TOO_LARGE",
		"TXN_SECURITY_RUNTIME_EXCEPTION", "LIMIT_EXCEEDED", "API_CURRENTLY_DISABLED", codeLocator, codeLimit:
		return connectors.Transient, ""
	case codeInvalidField, "INVALID_FIELD_FOR_INSERT_UPDATE":
		return connectors.Config, provisionFix
	case codeNoAccess:
		return connectors.Config, accessFix
	case codeInvalidType, "MALFORMED_QUERY", "UNSUPPORTED_API_VERSION":
		return connectors.Config, "check api_version, objects, inputs and what the integration user may see"
	case "API_DISABLED_FOR_ORG", "FUNCTIONALITY_NOT_ENABLED":
		return connectors.Auth, apiFix
	case codeDeleted, "CANNOT_UPDATE_CONVERTED_LEAD", "INVALID_CROSS_REFERENCE_KEY", codeNotFound:
		return connectors.Gone, ""
	}
	return connectors.Rejected, ""
}

// quotaPause is how long nothing is sent after the org's calls are used up. They are counted over any 24 hours, so that some come
// free all the time; nothing tells when.
const quotaPause = time.Hour

// classify says what an answer means.
func (c *Client) classify(r *transport.Response, attempt int) transport.Outcome {
	var f failure
	o, spoke := transport.ByBody(r, func(body []byte) (code, message string) {
		f = parseFailure(body)
		return f.code(), f.message()
	})
	if !spoke {
		return o
	}
	switch r.Status {
	case http.StatusBadRequest:
		o.Kind, o.Fix = kindOf(o.Code)
		o.Retry = o.Kind == connectors.Transient && o.Code != codeLocator
	case http.StatusUnauthorized:
		o.Fix = "check the credentials and that the integration user is active"
		if strings.Contains(f.Message, "not valid for use with the REST API") {
			o.Renew = false // a fresh token would meet the same answer, for ever
			o.Fix = "give the app the OAuth scope api"
		}
	case http.StatusForbidden:
		c.forbidden(&o, f, attempt)
	case http.StatusNotFound:
		o.Fix = "check instance_url and api_version"
	case http.StatusGone:
		o.Fix = "set api_version to one that is still served"
	case statusCalm:
		o.Kind, o.Refused, o.After = connectors.RateLimited, true, max(o.After, time.Second)
	}
	return o
}

// statusCalm is an older word for too many requests.
const statusCalm = 420

// forbidden tells the two limits and a lack of rights apart; all are answered with 403.
func (c *Client) forbidden(o *transport.Outcome, f failure, attempt int) {
	switch {
	case o.Code != codeLimit:
		kind, fix := kindOf(o.Code)
		if kind == connectors.Config {
			o.Kind = kind
		}
		if o.Fix = fix; fix == "" {
			o.Fix = apiFix
		}
	case strings.Contains(f.Message, "Concurrent"):
		// Calls of 20 seconds and more take up places that come free soon.
		o.Kind, o.Refused, o.All = connectors.RateLimited, true, true
		o.After = min(2*time.Second<<min(attempt-1, 4), 30*time.Second)
	default:
		o.Kind, o.All, o.After = connectors.Quota, true, quotaPause
		o.Until = c.o.Now().Add(quotaPause)
		o.Fix = "wait, poll less often, or find what else uses the org's API calls"
	}
}
