package sandbox

import (
	"cmp"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Versions of the API that an org serves. Since Summer '25 those below 31.0 are retired.
const oldestVersion, newestVersion = 31, 67

// longestOrgURI is the longest path and query answered, in bytes; beyond it is a 414.
const longestOrgURI = 16384

func versionName(n int) string { return strconv.Itoa(n) + ".0" }

// orgFault is why a request, or a row of one, is refused.
type orgFault struct {
	status        int // 0: 400
	code, message string
	fields        []string
}

var sessionEnded = &orgFault{http.StatusUnauthorized, "INVALID_SESSION_ID", "Session expired or invalid", nil}

// badRequest refuses a request, badRow a row or a value of it.
func badRequest(code, format string, args ...any) *orgFault {
	return &orgFault{code: code, message: fmt.Sprintf(format, args...)}
}

func badRow(code, message string, fields ...string) *orgFault {
	return &orgFault{0, code, message, fields}
}

// badRequestIf and badRowIf refuse when there is cause.
func badRequestIf(when bool, code, format string, args ...any) {
	if when {
		panic(badRequest(code, format, args...))
	}
}

func badRowIf(when bool, code, message string, fields ...string) {
	if when {
		panic(badRow(code, message, fields...))
	}
}

func notThere() *orgFault {
	return &orgFault{http.StatusNotFound, "NOT_FOUND", "The requested resource does not exist", nil}
}

func (e *orgFault) Error() string { return e.code + ": " + e.message }

func (e *orgFault) body() []byte {
	type errorJSON struct {
		Message   string   `json:"message"`
		ErrorCode string   `json:"errorCode"`
		Fields    []string `json:"fields,omitempty"`
	}
	return marshal([]errorJSON{{e.message, e.code, e.fields}})
}

// reply tells a fault as that of a whole request, which some rows' faults are by another status or name.
func (e *orgFault) reply() reply {
	status := cmp.Or(e.status, http.StatusBadRequest)
	switch {
	case e.code == "INVALID_CROSS_REFERENCE_KEY" && len(e.fields) == 0:
		return notThere().reply()
	case e.code == "ENTITY_IS_DELETED" && len(e.fields) == 0:
		status = http.StatusNotFound
	case e.code == "INSUFFICIENT_ACCESS_OR_READONLY":
		status = http.StatusForbidden
	}
	return reply{status: status, body: e.body()}
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

// endpoints are what an org answers to those with a session, by the path behind the version.
func (s *Salesforce) endpoints() []endpoint[*orgCall, *orgObject] {
	return []endpoint[*orgCall, *orgObject]{
		{"GET", "limits", s.limits},

		{"GET", "query", s.query},
		{"GET", "queryAll", s.query},
		{"GET", "tooling/query", s.query},
		{"GET", "query/{locator}", s.nextPage},
		{"GET", "queryAll/{locator}", s.nextPage},
		{"GET", "tooling/query/{locator}", s.nextPage},

		{"POST", "sobjects/{object}", s.createOne},
		{"GET", "sobjects/{object}/describe", s.describe},
		{"GET", "sobjects/{object}/updated", s.updated},
		{"GET", "sobjects/{object}/deleted", s.deleted},
		{"GET", "sobjects/{object}/{id}", s.readOne},
		{"PATCH", "sobjects/{object}/{id}", s.updateOne},
		{"DELETE", "sobjects/{object}/{id}", s.deleteOne},

		{"POST", "composite/sobjects", s.insertMany},
		{"PATCH", "composite/sobjects", s.updateMany},
		{"DELETE", "composite/sobjects", s.deleteMany},
		{"POST", "composite/sobjects/{object}", s.readMany},

		{"POST", "tooling/sobjects/CustomField", s.createField},
		{"GET", "tooling/sobjects/CustomField/{id}", s.readField},
		{"PATCH", "tooling/sobjects/CustomField/{id}", s.changeField},
		{"DELETE", "tooling/sobjects/CustomField/{id}", s.deleteField},

		{"POST", "jobs/ingest", s.openIngest},
		{"PUT", "jobs/ingest/{id}/batches", s.upload},
		{"GET", "jobs/ingest/{id}/successfulResults", s.table},
		{"GET", "jobs/ingest/{id}/failedResults", s.table},
		{"GET", "jobs/ingest/{id}/unprocessedrecords", s.table},
		{"POST", "jobs/query", s.openQuery},
		{"GET", "jobs/query/{id}/results", s.table},
		{"GET", "jobs/{kind}/{id}", s.readJob},
		{"PATCH", "jobs/{kind}/{id}", s.moveJob},
		{"DELETE", "jobs/{kind}/{id}", s.deleteJob},
	}
}

// route names a request: "GET query", "PATCH composite/sobjects", "GET sobjects/Lead/{id}", "PUT jobs/ingest/{id}/batches".
func (s *Salesforce) route(q *request) string {
	p := segments(q.path)
	switch {
	case p.fits("services/oauth2/{what}"):
		return q.method + " oauth2/" + p[2]
	case p.fits("services/data"):
		return q.method + " versions"
	case p.at(0) == "id":
		return q.method + " id"
	}
	e, name, _ := find(s.serves, q.method, p[min(3, len(p)):])
	if e == nil {
		return q.method + " unknown"
	}
	if o, ok := s.object(name); ok {
		return e.named(o.Name)
	}
	return e.named("{object}")
}

// answer is what the org says to a request.
func (s *Salesforce) answer(q *request) reply {
	p := segments(q.path)
	now := s.o.Now()
	switch {
	case p.fits("services/oauth2/token"):
		return signing(q, s.grant)
	case p.fits("services/oauth2/revoke"):
		return signing(q, s.revoke)
	case p.fits("services/oauth2/userinfo"), p.fits("id/{org}/{user}"):
		if _, ok := s.authorize(q, now); !ok {
			return reply{status: http.StatusForbidden, header: http.Header{"Content-Type": {"text/html"}}, body: []byte("Bad_OAuth_Token")}
		}
		return s.identity(q)
	case p.fits("services/data"):
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
			return (&orgFault{http.StatusGone, "UNSUPPORTED_API_VERSION", "The requested resource is no longer available: version " + c.version + " of the API has been retired.", nil}).reply()
		}
		return notThere().reply()
	}
	token, ok := s.authorize(q, now)
	if !ok {
		return sessionEnded.reply()
	}
	c.session = token
	var rep reply
	if bad := caught[orgFault](func() { s.admit(now); rep = s.dispatch(c) }); bad != nil {
		rep = bad.reply()
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

// dispatch answers an authorised request within the limits. An endpoint refuses by panicking with an *orgFault, before anything
// has changed.
func (s *Salesforce) dispatch(c *orgCall) reply {
	e, object, pathIs := find(s.serves, c.method, c.rest)
	switch {
	case e == nil && pathIs:
		panic(&orgFault{http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "HTTP Method '" + c.method + "' not allowed.", nil})
	case e == nil:
		panic(notThere())
	}
	o, known := s.object(object)
	if object != "" && (!known || o.Tooling) {
		panic(notThere())
	}
	return e.answer(c, o)
}
