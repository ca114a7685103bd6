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
	oauth         bool // told in the form of OAuth's
}

var sessionEnded = &orgFault{status: http.StatusUnauthorized, code: "INVALID_SESSION_ID", message: "Session expired or invalid"}

// badRequest refuses a request, badRow a row or a value of it.
func badRequest(code, format string, args ...any) *orgFault {
	return &orgFault{code: code, message: fmt.Sprintf(format, args...)}
}

func badRow(code, message string, fields ...string) *orgFault {
	return &orgFault{code: code, message: message, fields: fields}
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
	return &orgFault{status: http.StatusNotFound, code: "NOT_FOUND", message: "The requested resource does not exist"}
}

func (e *orgFault) Error() string { return e.code + ": " + e.message }

func (e *orgFault) body() []byte {
	if e.oauth {
		return appendJSON(nil, members{{"error", e.code}, {"error_description", e.message}})
	}
	told := members{{"message", e.message}, {"errorCode", e.code}}
	if len(e.fields) > 0 {
		told = append(told, member{"fields", e.fields})
	}
	return appendJSON(nil, []members{told})
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

// orgCall is a request with what its path says.
type orgCall struct {
	*request
	version string // "67.0"; "" outside of the REST API
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

		{"GET", "search", s.search},
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

// entrances are what an org answers to anybody, by the path.
func (s *Salesforce) entrances() []endpoint[*orgCall, *orgObject] {
	return []endpoint[*orgCall, *orgObject]{
		{"POST", "services/oauth2/token", s.grant},
		{"POST", "services/oauth2/revoke", s.revoke},
		{"GET", "services/oauth2/userinfo", s.identity},
		{"GET", "id/{org}/{user}", s.identity},
		{"GET", "services/data", s.listVersions},
	}
}

// find reads a request's path.
func (s *Salesforce) find(q *request) (c *orgCall, e *endpoint[*orgCall, *orgObject], object string, pathIs bool) {
	c = &orgCall{request: q, rest: segments(q.path), now: s.o.Now()}
	list := s.enters
	if p := c.rest; p.at(0) == "services" && p.at(1) == "data" && strings.HasPrefix(p.at(2), "v") {
		list, c.version, c.rest = s.serves, p[2][1:], p[3:]
	}
	e, object, pathIs = find(list, q.method, c.rest)
	return c, e, object, pathIs
}

// route names a request: "GET query", "POST oauth2/token", "GET sobjects/Lead/{id}", "PUT jobs/ingest/{id}/batches".
func (s *Salesforce) route(q *request) string {
	_, e, object, _ := s.find(q)
	if e == nil {
		return q.method + " unknown"
	}
	name := "{object}"
	if o, ok := s.object(object); ok {
		name = o.Name
	}
	return strings.Replace(e.named(name), " services/", " ", 1)
}

// answer is what the org says to a request. An endpoint refuses by panicking with an *orgFault, before anything has changed.
func (s *Salesforce) answer(q *request) (rep reply) {
	c, e, object, pathIs := s.find(q)
	bad := caught[orgFault](func() {
		if c.version != "" {
			if q.uri > longestOrgURI {
				rep = htmlReply(http.StatusRequestURITooLong)
				return
			}
			s.enter(c)
		}
		o, known := s.object(object)
		stopIf(e == nil && pathIs, &orgFault{status: http.StatusMethodNotAllowed, code: "METHOD_NOT_ALLOWED", message: "HTTP Method '" + c.method + "' not allowed."})
		stopIf(e == nil || object != "" && (!known || o.Tooling), notThere())
		rep = e.answer(c, o)
	})
	if bad != nil {
		rep = bad.reply()
	}
	if c.session != "" {
		if rep.header == nil {
			rep.header = http.Header{}
		}
		rep.header.Set("Sforce-Limit-Info", s.limitInfo(c.now))
	}
	return rep
}

// enter lets those in who ask for a version that there is, with a session and within the limits.
func (s *Salesforce) enter(c *orgCall) {
	v, err := strconv.Atoi(strings.TrimSuffix(c.version, ".0"))
	stopIf(err != nil || c.version != versionName(v) || v > newestVersion, notThere())
	stopIf(v < oldestVersion, &orgFault{status: http.StatusGone, code: "UNSUPPORTED_API_VERSION", message: "The requested resource is no longer available: version " + c.version + " of the API has been retired."})
	token, ok := s.authorize(c)
	stopIf(!ok, sessionEnded)
	c.session = token
	s.admit(c.now)
}

// listVersions answers GET /services/data.
func (s *Salesforce) listVersions(*orgCall, *orgObject) reply {
	list := []members{}
	for n := oldestVersion; n <= newestVersion; n++ {
		v := versionName(n)
		list = append(list, members{{"label", "Release " + v}, {"url", "/services/data/v" + v}, {"version", v}})
	}
	return jsonReply(http.StatusOK, list)
}
