package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Versions of the API that an org serves. Since Summer '25 those below 31.0 are retired.
const oldestVersion, newestVersion = 31, 67

// longestOrgURI is the longest path and query answered, in bytes; beyond it is a 414.
const longestOrgURI = 16384

func versionName(n int) string { return strconv.Itoa(n) + ".0" }

// orgFailure is a request error.
type orgFailure struct {
	status        int
	code, message string
	fields        []string
}

var sessionEnded = &orgFailure{status: http.StatusUnauthorized, code: "INVALID_SESSION_ID", message: "Session expired or invalid"}

func (e *orgFailure) body() []byte {
	type errorJSON struct {
		Message   string   `json:"message"`
		ErrorCode string   `json:"errorCode"`
		Fields    []string `json:"fields,omitempty"`
	}
	return marshal([]errorJSON{{e.message, e.code, e.fields}})
}

func (e *orgFailure) reply() reply { return reply{status: e.status, body: e.body()} }

func badRequest(code, format string, args ...any) *orgFailure {
	return &orgFailure{status: http.StatusBadRequest, code: code, message: fmt.Sprintf(format, args...)}
}

func notThere() *orgFailure {
	return &orgFailure{status: http.StatusNotFound, code: "NOT_FOUND", message: "The requested resource does not exist"}
}

func wrongMethod(method string) *orgFailure {
	return &orgFailure{status: http.StatusMethodNotAllowed, code: "METHOD_NOT_ALLOWED", message: "HTTP Method '" + method + "' not allowed."}
}

// orgCall is a request to a version of the REST API.
type orgCall struct {
	*request
	version string // "67.0"
	rest    path   // the path behind the version
	session string // the access token
	now     time.Time
}

// prefix is the path of the call's version: "/services/data/v67.0".
func (c *orgCall) prefix() string { return "/services/data/v" + c.version }

// isCollections says whether a path is that of sObject Collections.
func isCollections(path string) bool {
	return strings.HasSuffix(strings.TrimSuffix(path, "/"), "/composite/sobjects")
}

// route names a request: "GET query", "PATCH composite/sobjects", "GET sobjects/Lead/{id}", "PUT jobs/ingest/{id}/batches".
func (s *Salesforce) route(q *request) string {
	p := segments(q.path)
	switch {
	case len(p) >= 2 && p[0] == "services" && p[1] == "oauth2":
		p = p[1:]
	case len(p) >= 3 && p[0] == "services" && p[1] == "data":
		p = p[3:]
	case len(p) == 2 && p[0] == "services" && p[1] == "data":
		return q.method + " versions"
	case len(p) > 0 && p[0] == "id":
		return q.method + " id"
	default:
		return q.method + " unknown"
	}
	p = slices.Clone(p)
	for i, part := range p {
		id, _, _ := strings.Cut(part, "-")
		if _, ok := longID(id); !ok || i == 0 {
			continue
		}
		p[i] = "{id}"
		if strings.HasPrefix(id, cursorPrefix) {
			p[i] = "{locator}"
		}
	}
	for i := range p { // objects under their own names, anything else that is not known is not told
		if i > 0 && p[i-1] == "sobjects" {
			if o, ok := s.object(p[i]); ok {
				p[i] = o.name
			} else if p[i] != "{id}" {
				p[i] = "{object}"
			}
		}
	}
	if len(p) > 5 {
		p = p[:5]
	}
	return strings.TrimSuffix(q.method+" "+strings.Join(p, "/"), " ")
}

// answer is what the org says to a request.
func (s *Salesforce) answer(q *request) reply {
	p := segments(q.path)
	now := s.o.Now()
	switch {
	case len(p) == 3 && p[0] == "services" && p[1] == "oauth2" && p[2] == "token":
		return s.grant(q)
	case len(p) == 3 && p[0] == "services" && p[1] == "oauth2" && p[2] == "revoke":
		return s.revoke(q)
	case len(p) == 3 && p[0] == "services" && p[1] == "oauth2" && p[2] == "userinfo", len(p) == 3 && p[0] == "id":
		if _, ok := s.authorize(q, now); !ok {
			return reply{status: http.StatusForbidden, header: http.Header{"Content-Type": {"text/html"}}, body: []byte("Bad_OAuth_Token")}
		}
		return s.identity(q)
	case len(p) == 2 && p[0] == "services" && p[1] == "data":
		return s.listVersions()
	case len(p) < 3 || p[0] != "services" || p[1] != "data" || !strings.HasPrefix(p[2], "v"):
		return notThere().reply()
	}
	c := &orgCall{request: q, version: p[2][1:], rest: p[3:], now: now}
	if q.uri > longestOrgURI {
		return reply{status: http.StatusRequestURITooLong, header: http.Header{"Content-Type": {"text/html"}}, body: []byte("<html><head><title>Error 414 URI Too Long</title></head></html>")}
	}
	v, err := strconv.Atoi(strings.TrimSuffix(c.version, ".0"))
	if err != nil || c.version != versionName(v) || v < oldestVersion || v > newestVersion {
		if err == nil && v < oldestVersion {
			return (&orgFailure{status: http.StatusGone, code: "UNSUPPORTED_API_VERSION", message: "The requested resource is no longer available: version " + c.version + " of the API has been retired."}).reply()
		}
		return notThere().reply()
	}
	token, ok := s.authorize(q, now)
	if !ok {
		return sessionEnded.reply()
	}
	c.session = token
	rep, ok := s.admit(q, now)
	if ok {
		rep = s.dispatch(c)
	}
	if rep.header == nil {
		rep.header = http.Header{}
	}
	rep.header.Set("Sforce-Limit-Info", s.limitInfo(now))
	return rep
}

// listVersions answers GET /services/data.
func (s *Salesforce) listVersions() reply {
	list := []map[string]string{}
	for n := oldestVersion; n <= newestVersion; n++ {
		v := versionName(n)
		list = append(list, map[string]string{"label": "Release " + v, "url": "/services/data/v" + v, "version": v})
	}
	return jsonReply(http.StatusOK, list)
}

// dispatch answers an authorised request within the limits. An endpoint refuses by panicking with its *orgFailure, before
// anything has changed.
func (s *Salesforce) dispatch(c *orgCall) (rep reply) {
	defer func() {
		switch bad := recover().(type) {
		case nil:
		case *orgFailure:
			rep = bad.reply()
		default:
			panic(bad)
		}
	}()
	at := c.rest.at
	switch {
	case len(c.rest) == 0:
		paths := map[string]string{}
		for _, name := range []string{"tooling", "query", "queryAll", "limits", "composite", "jobs", "sobjects"} {
			paths[name] = c.prefix() + "/" + name
		}
		return jsonReply(http.StatusOK, paths)
	case at(0) == "limits" && len(c.rest) == 1:
		return s.limits(c.now)
	case (at(0) == "query" || at(0) == "queryAll") && len(c.rest) <= 2:
		return s.query(c, at(0) == "queryAll", false, at(1))
	case at(0) == "tooling" && at(1) == "query" && len(c.rest) <= 3:
		return s.query(c, false, true, at(2))
	case at(0) == "tooling" && at(1) == "sobjects" && strings.EqualFold(at(2), "CustomField") && len(c.rest) <= 4:
		return s.customField(c, at(3))
	case at(0) == "composite" && at(1) == "sobjects" && len(c.rest) <= 3:
		return s.collections(c, at(2))
	case at(0) == "sobjects":
		return s.sobjects(c, c.rest[1:])
	case at(0) == "jobs" && (at(1) == "ingest" || at(1) == "query"):
		return s.bulkJobs(c, at(1), c.rest[2:])
	}
	panic(notThere())
}
