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
	codeUnknown      = "UNKNOWN_EXCEPTION"
	codeTooLong      = "REQUEST_RUNNING_TOO_LONG"
	codeTooMuch      = "OPERATION_TOO_LARGE"
)

// Ways to put things right.
const (
	provisionFix = "run `intentd provision` to see what is missing and `intentd provision --apply` to make it"
	accessFix    = "let the integration user edit these records: object permissions on leads and contacts, and sharing"
	setupFix     = "check api_version, objects, inputs and what the integration user may see"
	apiFix       = "give the integration user the permission \"API Enabled\", on an edition that has the API"
)

// meaning is what an error code says of a row or a request of which nothing was done.
type meaning struct {
	kind connectors.Kind
	fix  string
	// passing: it goes away by itself.
	passing bool
	// shared: it is said of every row of a transaction, while one row, or their number, is to blame.
	shared bool
}

var meanings = map[string]meaning{
	codeLocked:                          {kind: connectors.Transient, passing: true},
	codeLimit:                           {kind: connectors.Transient, passing: true},
	codeLocator:                         {kind: connectors.Transient, passing: true},
	"API_CURRENTLY_DISABLED":            {kind: connectors.Transient, passing: true},
	"QUERY_TIMEOUT":                     {kind: connectors.Transient, passing: true},
	"SERVER_UNAVAILABLE":                {kind: connectors.Transient, passing: true},
	"TXN_SECURITY_RUNTIME_EXCEPTION":    {kind: connectors.Transient, passing: true},
	"ALL_OR_NONE_OPERATION_ROLLED_BACK": {kind: connectors.Transient, passing: true, shared: true},
	"LIMIT_EXCEEDED":                    {kind: connectors.Transient, passing: true, shared: true},
	codeTooMuch:                         {kind: connectors.Transient, passing: true, shared: true},
	"PROCESSING_HALTED":                 {kind: connectors.Transient, passing: true, shared: true},
	codeTooLong:                         {kind: connectors.Transient, passing: true, shared: true},
	codeUnknown:                         {kind: connectors.Transient, passing: true, shared: true},

	// Apex and flows: a limit that so many rows exceed, or an exception that one of them causes.
	"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": {kind: connectors.Rejected, fix: "look at the trigger that the message names", shared: true},
	"CANNOT_EXECUTE_FLOW_TRIGGER":          {kind: connectors.Rejected, fix: "look at the flow that the message names", passing: true, shared: true},
	"ENTITY_IS_LOCKED":                     {kind: connectors.Rejected, passing: true}, // an approval is under way
	"STORAGE_LIMIT_EXCEEDED":               {kind: connectors.Rejected, fix: "free data storage in Salesforce: Setup → Storage Usage", passing: true},

	codeInvalidField:                  {kind: connectors.Config, fix: provisionFix},
	"INVALID_FIELD_FOR_INSERT_UPDATE": {kind: connectors.Config, fix: provisionFix},
	codeNoAccess:                      {kind: connectors.Config, fix: accessFix},
	codeInvalidType:                   {kind: connectors.Config, fix: setupFix},
	"MALFORMED_QUERY":                 {kind: connectors.Config, fix: setupFix},
	"UNSUPPORTED_API_VERSION":         {kind: connectors.Config, fix: setupFix},
	"API_DISABLED_FOR_ORG":            {kind: connectors.Auth, fix: apiFix},
	"FUNCTIONALITY_NOT_ENABLED":       {kind: connectors.Auth, fix: apiFix},

	codeDeleted:                    {kind: connectors.Gone},
	codeNotFound:                   {kind: connectors.Gone},
	"CANNOT_UPDATE_CONVERTED_LEAD": {kind: connectors.Gone},
	"INVALID_CROSS_REFERENCE_KEY":  {kind: connectors.Gone},
}

// meaningOf is the meaning of a code; one that is not known concerns its row alone.
func meaningOf(code string) meaning {
	if m, ok := meanings[code]; ok {
		return m
	}
	return meaning{kind: connectors.Rejected}
}

// rowError is the error of a row.
func (c *Client) rowError(op string, f failure) *connectors.Error {
	m := meaningOf(f.code())
	message := f.message()
	if len(f.Fields) > 0 {
		message += " (" + strings.Join(f.Fields, ", ") + ")"
	}
	e := c.http.Err(m.kind, op, f.code(), message)
	e.Fix, e.Passing = m.fix, m.passing
	return e
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
	if o.Code == codeTooLong || o.Code == codeTooMuch {
		o.Kind, o.Retry = connectors.Transient, false // the same request would be as long
		return o
	}
	switch r.Status {
	case http.StatusBadRequest:
		m := meaningOf(o.Code)
		o.Kind, o.Fix = m.kind, m.fix
		o.Retry = m.kind == connectors.Transient && o.Code != codeLocator
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
		m := meaningOf(o.Code)
		if m.kind == connectors.Config {
			o.Kind = m.kind
		}
		if o.Fix = m.fix; m.fix == "" {
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
