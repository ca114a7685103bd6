package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
)

// bulkQueryPage is how many rows of a result a call gives unless it says how many it wants.
const bulkQueryPage = 50_000

// bulkQuery answers the paths under jobs/query.
func (s *Salesforce) bulkQuery(c *orgCall, rest []string) (reply, *orgFailure) {
	if len(rest) == 0 {
		switch c.method {
		case http.MethodPost:
			return s.openBulkQuery(c)
		case http.MethodGet:
			return s.listJobs(c, "query"), nil
		}
		return reply{}, wrongMethod(c.method)
	}
	job, err := s.job(rest[0], "query")
	switch {
	case err != nil:
		return reply{}, err
	case len(rest) == 1:
		return s.handleJob(c, job)
	case len(rest) == 2 && rest[1] == "results" && c.method == http.MethodGet:
		return s.bulkResults(c, job)
	}
	return reply{}, notThere()
}

func (s *Salesforce) openBulkQuery(c *orgCall) (reply, *orgFailure) {
	if err := wantsJSON(c); err != nil {
		return reply{}, err
	}
	var in struct{ Operation, Query, ContentType, LineEnding, ColumnDelimiter string }
	if err := json.Unmarshal(c.body, &in); err != nil {
		return reply{}, badRequest("JSON_PARSER_ERROR", "%s", err)
	}
	comma, known := bulkCommas[in.ColumnDelimiter]
	if in.Operation != "query" && in.Operation != "queryAll" || !known || comma != ',' {
		return reply{}, bulkRefused("INVALIDJOB", "InvalidJob : the sandbox runs query and queryAll with commas between columns")
	}
	p, err := s.planSOQL(in.Query, false)
	if err != nil {
		return reply{}, err
	}
	if p.count || p.offset > 0 {
		return reply{}, badRequest("FEATURENOTENABLED", "Aggregates and OFFSET are not supported in bulk queries")
	}
	job := s.newJob(c, "query")
	job.object, job.operation, job.comma, job.plan, job.all = p.o, in.Operation, comma, p, in.Operation == "queryAll"
	job.move(bulkUploaded, c.now)
	job.uploaded = c.now
	return reply{status: http.StatusOK, body: s.appendJob(nil, job)}, nil
}

func (s *Salesforce) runBulkQuery(c *orgCall, job *bulkJob) {
	job.ords = s.run(job.plan, job.all)
	job.total = len(job.ords)
	job.move(bulkDone, c.now)
}

// bulkResults answers GET jobs/query/{id}/results.
func (s *Salesforce) bulkResults(c *orgCall, job *bulkJob) (reply, *orgFailure) {
	if job.state != bulkDone {
		return reply{}, bulkRefused("INVALIDJOBSTATE", "Results are not available: job %s is %s", job.id, job.state)
	}
	params := c.params()
	size := bulkQueryPage
	if n, err := strconv.Atoi(params.Get("maxRecords")); err == nil && n > 0 {
		size = n
	}
	from := 0
	if locator := params.Get("locator"); locator != "" {
		raw, err := base64.RawURLEncoding.DecodeString(locator)
		n, err2 := strconv.Atoi(string(raw))
		if err != nil || err2 != nil || n < 0 || n >= len(job.ords) {
			return reply{}, badRequest("INVALID_QUERY_LOCATOR", "invalid query locator")
		}
		from = n
	}
	end := min(from+size, len(job.ords))
	header, paths := flatten(job.plan.columns, "", nil)
	b := appendCSV(nil, header)
	row := make([]string, len(paths))
	for _, ord := range job.ords[from:end] {
		for i := range paths {
			row[i] = paths[i].field.plain(s.follow(&paths[i], job.object, ord))
		}
		b = appendCSV(b, row)
	}
	locator := "null"
	if end < len(job.ords) {
		locator = base64.RawURLEncoding.EncodeToString(strconv.AppendInt(nil, int64(end), 10))
	}
	return reply{status: http.StatusOK, body: b, header: http.Header{
		"Content-Type": {"text/csv;charset=UTF-8"}, "Sforce-Locator": {locator}, "Sforce-Numberofrecords": {strconv.Itoa(end - from)},
	}}, nil
}

// flatten names selected fields as columns of a table: Account.Name.
func flatten(columns []orgColumn, before string, steps []*orgField) (header []string, paths []planPath) {
	for _, c := range columns {
		if c.columns == nil {
			header = append(header, before+c.field.name)
			paths = append(paths, planPath{steps: slices.Clone(steps), field: c.field, kind: c.kind})
			continue
		}
		h, p := flatten(c.columns, before+c.name+".", append(slices.Clone(steps), c.field))
		header, paths = append(header, h...), append(paths, p...)
	}
	return header, paths
}
