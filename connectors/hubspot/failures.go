package hubspot

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// failure is an error body, or one entry of the errors of a batch. HubSpot leaves any of its fields out.
type failure struct {
	Message     string    `json:"message"`
	Category    string    `json:"category"`
	SubCategory any       `json:"subCategory"`
	PolicyName  string    `json:"policyName"`
	Code        string    `json:"code"`
	Context     details   `json:"context"`
	Errors      []failure `json:"errors"`
}

// details are the context of a failure: lists of texts; HubSpot sometimes gives a bare value in place of a list.
type details map[string]texts

type texts []string

func (t *texts) UnmarshalJSON(b []byte) error {
	var list []json.RawMessage
	if json.Unmarshal(b, &list) != nil {
		list = []json.RawMessage{b}
	}
	*t = (*t)[:0]
	for _, raw := range list {
		var s string
		if json.Unmarshal(raw, &s) != nil {
			s = string(raw)
		}
		*t = append(*t, s)
	}
	return nil
}

// Codes and categories that decide something.
const (
	codeUnknownProperty = "PROPERTY_DOESNT_EXIST"
	codeReadOnly        = "READ_ONLY_VALUE"
	codeInvalidOption   = "INVALID_OPTION"
	codeNotFound        = "OBJECT_NOT_FOUND"
	codeExists          = "OBJECT_ALREADY_EXISTS"
	codeMissingScopes   = "MISSING_SCOPES"
	codeNoAssociations  = "crm.associations.NO_ASSOCIATIONS_FOUND"
)

// provisionFix is the command that makes missing properties.
const provisionFix = "run `intentd provision` to see what is missing and `intentd provision --apply` to make it"

// parseFailure reads an error body leniently: what cannot be read is as good as absent.
func parseFailure(body []byte) failure {
	var f failure
	if err := json.Unmarshal(body, &f); err != nil {
		if _, mismatch := err.(*json.UnmarshalTypeError); !mismatch {
			return failure{}
		}
	}
	if len(f.Errors) == 0 {
		f.Errors = f.embedded()
	}
	return f
}

// embedded reads the list that validation messages carry as text: `Property values were not valid: [{"error":…,"name":…}]`.
func (f failure) embedded() []failure {
	i := strings.Index(f.Message, "[{")
	if i < 0 {
		return nil
	}
	var list []struct {
		Message string `json:"message"`
		Error   string `json:"error"`
		Name    string `json:"name"`
	}
	if json.NewDecoder(strings.NewReader(f.Message[i:])).Decode(&list) != nil {
		return nil
	}
	var out []failure
	for _, e := range list {
		d := failure{Message: e.Message, Code: e.Error}
		if e.Name != "" {
			d.Context = details{"propertyName": {e.Name}}
		}
		out = append(out, d)
	}
	return out
}

// code is the most telling code of f.
func (f failure) code() string {
	if f.Code != "" {
		return f.Code
	}
	for _, e := range f.Errors {
		if e.Code != "" {
			return e.Code
		}
	}
	return f.Category
}

// has says whether f or one of its entries bears the code.
func (f failure) has(code string) bool {
	return f.Code == code || f.Category == code || f.subCategory() == code || slices.ContainsFunc(f.Errors, func(e failure) bool { return e.has(code) })
}

func (f failure) subCategory() string {
	s, _ := f.SubCategory.(string)
	return s
}

// message is what HubSpot says, the details before the general words.
func (f failure) message() string {
	var parts []string
	for _, e := range f.Errors {
		if m := strings.TrimSpace(e.Message); m != "" && !slices.Contains(parts, m) {
			parts = append(parts, m)
		}
	}
	if len(parts) == 0 {
		return f.Message
	}
	return strings.Join(parts, "; ")
}

// all is what the context of f and of its entries holds under key.
func (f failure) all(key string) []string {
	list := slices.Clone([]string(f.Context[key]))
	for _, e := range f.Errors {
		list = append(list, e.all(key)...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// rejection is what f means for a record: a set-up problem if it is one, otherwise Rejected.
func (f failure) rejection() transport.Outcome {
	o := transport.Outcome{Kind: connectors.Rejected, Code: f.code(), Message: f.message()}
	switch {
	case f.has(codeUnknownProperty):
		o.Kind, o.Code, o.Fix = connectors.Config, codeUnknownProperty, provisionFix
	case f.has(codeReadOnly):
		o.Kind, o.Code = connectors.Config, codeReadOnly
		o.Fix = "map the field to a property that can be written; `intentd provision` tells which are right"
	}
	return o
}

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
	after, told := r.RetryAfter()
	switch r.Status {
	case http.StatusBadRequest:
		rejected := f.rejection()
		if rejected.Message == "" {
			rejected.Message = o.Message
		}
		return rejected
	case http.StatusUnauthorized:
		o.Fix = "check the token: it may have been rotated or deleted in HubSpot"
	case http.StatusForbidden:
		o.Fix = "give the service key or app the missing scopes"
		if scopes := append(f.all("requiredGranularScopes"), f.all("requiredScopes")...); len(scopes) > 0 {
			o.Fix = "give the service key or app these scopes: " + strings.Join(scopes, ", ")
			o.Message += " (" + strings.Join(scopes, ", ") + ")"
		}
	case http.StatusNotFound:
		o.Fix = "check base_url and api_version"
		if f.has(codeNotFound) {
			o.Kind, o.Fix = connectors.Gone, ""
		}
	case http.StatusConflict:
		o.Kind, o.Retry = connectors.Transient, true
	case http.StatusLocked:
		o.Kind, o.Retry, o.After = connectors.Transient, true, max(after, 2*time.Second)
	case statusMigration:
		o.Kind, o.All = connectors.Quota, true
		if !told {
			o.After = time.Hour
		}
		o.Message = "the account is being moved to another data centre"
	case statusMalformedToken:
		o.Kind, o.Retry, o.Renew, o.Fix = connectors.Auth, false, true, "check the token: HubSpot cannot read it"
	case http.StatusTooManyRequests:
		c.limited(&o, f, attempt, told)
	}
	return o
}

// Statuses of HubSpot's own.
const (
	statusMigration      = 477
	statusMalformedToken = 530
)

// limited tells how long a 429 holds whom.
func (c *Client) limited(o *transport.Outcome, f failure, attempt int, told bool) {
	if f.PolicyName != "" {
		o.Code = f.PolicyName
	}
	n := time.Duration(attempt)
	switch {
	case strings.HasPrefix(f.PolicyName, "DAILY"):
		now, _ := c.http.ServerNow()
		_, midnight := transport.DayIn(now, c.timeZone())
		o.Kind, o.All, o.After = connectors.Quota, true, midnight.Sub(now)
		o.Until = midnight
		o.Message = fmt.Sprintf("%s It turns at midnight in %s.", o.Message, c.timeZone())
	case strings.HasPrefix(f.PolicyName, "TEN_SECONDLY"):
		o.All = true
		if !told {
			o.After = 10 * time.Second * n
		}
	case !told:
		o.After = time.Second * n
	}
}
