package sandbox

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Bulk API 2.0: jobs that update the records of an uploaded CSV file, and jobs that run a query.
const (
	bulkPrefix  = "750"
	mostBulkCSV = 150_000_000 // bytes of an upload
)

// States of a job.
const (
	bulkOpen     = "Open"
	bulkUploaded = "UploadComplete"
	bulkWorking  = "InProgress"
	bulkDone     = "JobComplete"
	bulkFailed   = "Failed"
	bulkAborted  = "Aborted"
)

// BulkOutcome is how an ingest job shall end: State is Failed or Aborted, after Rows rows have been worked on, the rest of them
// staying unprocessed.
type BulkOutcome struct {
	State, Message string
	Rows           int
}

// EndBulk makes the next ingest jobs end as said, one each.
func (s *Salesforce) EndBulk(outcomes ...BulkOutcome) {
	defer s.lock()()
	s.outcomes = append(s.outcomes, outcomes...)
}

// bulkJob is a job. Its state moves on by one each time it is asked for, and to its end not before BulkTime has passed.
type bulkJob struct {
	jobJSON
	object   *orgObject
	assigns  bool // names an assignment rule: without one, none runs
	uploaded time.Time

	upload []byte                // of an ingest job
	query  *soqlQuery            // of a query job
	tables map[string][][]string // what came of it, by the last word of the path that tells it
}

// jobJSON is a job as it is told.
type jobJSON struct {
	ID              string  `json:"id"`
	Operation       string  `json:"operation"`
	Object          string  `json:"object"`
	CreatedByID     string  `json:"createdById"`
	CreatedDate     string  `json:"createdDate"`
	SystemModstamp  string  `json:"systemModstamp"`
	State           string  `json:"state"`
	ConcurrencyMode string  `json:"concurrencyMode"`
	ContentType     string  `json:"contentType"`
	APIVersion      float64 `json:"apiVersion"`
	JobType         string  `json:"jobType"`
	ContentURL      string  `json:"contentUrl,omitempty"`
	LineEnding      string  `json:"lineEnding"`
	ColumnDelimiter string  `json:"columnDelimiter"`
	Processed       int     `json:"numberRecordsProcessed"`
	Failed          int     `json:"numberRecordsFailed"`
	ErrorMessage    string  `json:"errorMessage,omitempty"`
}

// job is the job that a path jobs/{kind}/{id} names.
func (s *Salesforce) job(c *orgCall) *bulkJob {
	id, _ := longID(c.rest[2])
	job := s.jobs[id]
	stopIf(job == nil || job.query != nil != (c.rest[1] == "query"), notThere())
	return job
}

// table answers with what came of a job's rows.
func (s *Salesforce) table(c *orgCall, _ *orgObject) reply {
	job := s.job(c)
	badRequestIf(c.params().Get("maxRecords") != "" || c.params().Get("locator") != "", "INVALIDJOB", "InvalidJob : the sandbox gives all results at once")
	badRequestIf(job.query != nil && job.State != bulkDone, "INVALIDJOBSTATE", "Results are not available: job %s is %s", job.ID, job.State)
	rows := job.tables[c.rest[3]]
	return reply{status: http.StatusOK, body: appendCSV(nil, rows), header: http.Header{
		"Content-Type": {"text/csv;charset=UTF-8"}, "Sforce-Locator": {"null"}, "Sforce-Numberofrecords": {strconv.Itoa(max(len(rows)-1, 0))},
	}}
}

// jobBody is the body of a call that opens a job or moves its state.
type jobBody struct{ Object, Operation, Query, ContentType, LineEnding, ColumnDelimiter, AssignmentRuleId, State string }

func (s *Salesforce) openIngest(c *orgCall, _ *orgObject) reply {
	var in jobBody
	c.read(&in)
	o, ok := s.object(in.Object)
	badRequestIf(!ok || o.Tooling, "INVALIDJOB", "InvalidJob : Unable to find object: %s", in.Object)
	job := s.openJob(c, in, "V2Ingest", "update")
	job.object, job.Object, job.assigns = o, o.Name, in.AssignmentRuleId != ""
	job.ContentURL = "services/data/v" + c.version + "/jobs/ingest/" + job.ID + "/batches"
	return jsonReply(http.StatusOK, job.jobJSON)
}

func (s *Salesforce) openQuery(c *orgCall, _ *orgObject) reply {
	var in jobBody
	c.read(&in)
	query := s.parseSOQL(in.Query, false)
	badRequestIf(query.count, "FEATURENOTENABLED", "Aggregates are not supported in bulk queries")
	job := s.openJob(c, in, "V2Query", "query")
	job.query, job.Object, job.uploaded = query, query.o.Name, c.now
	job.move(c, bulkUploaded)
	return jsonReply(http.StatusOK, job.jobJSON)
}

func (s *Salesforce) openJob(c *orgCall, in jobBody, kind, operation string) *bulkJob {
	in.LineEnding = cmp.Or(in.LineEnding, "LF")
	badRequestIf(in.Operation != operation || cmp.Or(in.ContentType, "CSV") != "CSV" || cmp.Or(in.ColumnDelimiter, "COMMA") != "COMMA" || in.LineEnding != "LF" && in.LineEnding != "CRLF", "INVALIDJOB", "InvalidJob : the sandbox runs update and query with CSV, commas, and LF or CRLF")
	s.serial++
	version, _ := strconv.ParseFloat(c.version, 64)
	job := &bulkJob{tables: map[string][][]string{}, jobJSON: jobJSON{
		ID: orgID(bulkPrefix, firstNumber+s.serial), Operation: operation, CreatedByID: s.me, CreatedDate: formatWireTime(s.nowMs()),
		ConcurrencyMode: "Parallel", ContentType: "CSV", APIVersion: version, JobType: kind, LineEnding: in.LineEnding, ColumnDelimiter: "COMMA",
	}}
	job.move(c, bulkOpen)
	s.jobs[job.ID] = job
	return job
}

func (j *bulkJob) move(c *orgCall, state string) {
	j.State, j.SystemModstamp = state, formatWireTime(c.now.UnixMilli())
	if state != bulkOpen {
		j.ContentURL = ""
	}
}

// upload answers PUT of the CSV file.
func (s *Salesforce) upload(c *orgCall, _ *orgObject) reply {
	j := s.job(c)
	badRequestIf(j.State != bulkOpen, "INVALIDJOBSTATE", "Upload to a job that is not open: job %s is %s", j.ID, j.State)
	badRequestIf(!c.isKind("text/csv"), "INVALIDBATCH", "InvalidBatch : Content type must be text/csv")
	badRequestIf(j.upload != nil, "INVALIDJOBSTATE", "Found multiple contents for job: %s, please 'Close' / 'Abort' / 'Delete' the current Job then create a new Job and make sure you only do 'PUT' once on a given Job.", j.ID)
	badRequestIf(len(c.body) > mostBulkCSV, "INVALIDBATCH", "InvalidBatch : The content is larger than %d bytes", mostBulkCSV)
	j.upload = append([]byte{}, c.body...)
	return reply{status: http.StatusCreated}
}

// readJob answers GET of a job, whose state moves on.
func (s *Salesforce) readJob(c *orgCall, _ *orgObject) reply {
	job := s.job(c)
	s.advance(c, job)
	return jsonReply(http.StatusOK, job.jobJSON)
}

func (j *bulkJob) underWay() bool { return j.State == bulkUploaded || j.State == bulkWorking }

func (s *Salesforce) deleteJob(c *orgCall, _ *orgObject) reply {
	job := s.job(c)
	badRequestIf(job.underWay(), "API_ERROR", "Job %s must be aborted or have ended before it can be deleted", job.ID)
	delete(s.jobs, job.ID)
	return reply{status: http.StatusNoContent}
}

// moveJob answers PATCH of a job's state: its file is whole, or it is to be aborted.
func (s *Salesforce) moveJob(c *orgCall, _ *orgObject) reply {
	job := s.job(c)
	var in jobBody
	c.read(&in)
	switch {
	case in.State == bulkAborted && (job.underWay() || job.State == bulkOpen):
		job.tables["unprocessedrecords"], _ = job.parse()
	case in.State == bulkUploaded && job.State == bulkOpen:
		job.uploaded = c.now
	default:
		panic(badRequest("INVALIDJOBSTATE", "Transition from %s to %s is not possible", job.State, in.State))
	}
	job.move(c, in.State)
	return jsonReply(http.StatusOK, job.jobJSON)
}

// advance moves a job's state on.
func (s *Salesforce) advance(c *orgCall, job *bulkJob) {
	switch {
	case job.State == bulkUploaded:
		job.move(c, bulkWorking)
	case job.State != bulkWorking || c.now.Sub(job.uploaded) < s.o.BulkTime:
	case job.query != nil:
		job.tables["results"] = s.results(job.query)
		job.Processed = len(job.tables["results"]) - 1
		job.move(c, bulkDone)
	default:
		s.work(c, job)
	}
}

// parse reads the uploaded CSV, whose first row is the header.
func (j *bulkJob) parse() ([][]string, error) {
	rows, err := csv.NewReader(bytes.NewReader(j.upload)).ReadAll()
	switch crlf := bytes.Contains(j.upload, []byte("\r\n")); {
	case err != nil:
		return nil, fmt.Errorf("InvalidBatch : Failed to parse CSV: %w", err)
	case len(rows) == 0:
		return nil, errors.New("InvalidBatch : Records not found")
	case crlf != (j.LineEnding == "CRLF") && len(rows) > 1:
		return nil, fmt.Errorf("ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is %s", j.LineEnding)
	}
	return rows, nil
}

// work applies the rows of an ingest job.
func (s *Salesforce) work(c *orgCall, job *bulkJob) {
	rows, err := job.parse()
	if err != nil {
		job.ErrorMessage = err.Error()
		job.move(c, bulkFailed)
		return
	}
	header, rows := rows[0], rows[1:]
	outcome := BulkOutcome{State: bulkDone, Rows: len(rows)}
	if len(s.outcomes) > 0 {
		outcome, s.outcomes = s.outcomes[0], s.outcomes[1:]
		outcome.Rows = min(max(outcome.Rows, 0), len(rows))
	}
	tell := func(table string, first, second string, row []string) {
		job.tables[table] = append(job.tables[table], append([]string{first, second}, row...))
	}
	tell("successfulResults", "sf__Id", "sf__Created", header)
	tell("failedResults", "sf__Id", "sf__Error", header)
	for _, row := range rows[:outcome.Rows] {
		in := csvRow(header, row)
		if id, fault := s.workRow(c.now, job, in); fault != nil {
			tell("failedResults", in.id, fault.rowText(), row)
		} else {
			tell("successfulResults", id, "false", row)
		}
	}
	job.Processed, job.Failed = outcome.Rows, len(job.tables["failedResults"])-1
	job.tables["unprocessedrecords"] = append([][]string{header}, rows[outcome.Rows:]...)
	job.ErrorMessage = outcome.Message
	job.move(c, outcome.State)
}

// csvRow reads a row. An empty cell leaves the field as it is, #N/A clears it.
func csvRow(header, cells []string) orgRow {
	row := orgRow{values: map[string]any{}}
	for i, name := range header {
		switch v := cells[i]; {
		case strings.EqualFold(name, "Id"):
			row.id = v
		case v == "#N/A":
			row.values[name] = nil
		case v != "":
			row.values[name] = csvText(v)
		}
	}
	return row
}

// workRow applies one row and returns the record's id. No header of the call that asks for the state says anything about it.
func (s *Salesforce) workRow(now time.Time, job *bulkJob, row orgRow) (id string, fault *orgFault) {
	c := &orgCall{request: &request{}, now: now}
	fault = caught[orgFault](func() { id = s.planned(c, job.object, row, false, job.assigns)().id })
	if fault.misread() {
		fault = badRow("INVALID_TYPE_ON_FIELD_IN_RECORD", fault.message)
	}
	return id, fault
}

// results are the rows of a query job behind the names of its columns.
func (s *Salesforce) results(q *soqlQuery) [][]string {
	table := [][]string{make([]string, len(q.columns))}
	for i, path := range q.columns {
		table[0][i] = path.name()
	}
	for _, r := range s.run(q, false) {
		row := make([]string, len(q.columns))
		for i, path := range q.columns {
			row[i] = path.field.plain(s.follow(path, r))
		}
		table = append(table, row)
	}
	return table
}

// appendCSV renders rows as the Bulk API does: every cell in quotes, lines ended by a line feed.
func appendCSV(b []byte, rows [][]string) []byte {
	for _, row := range rows {
		for i, v := range row {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(append(append(b, '"'), strings.ReplaceAll(v, `"`, `""`)...), '"')
		}
		b = append(b, '\n')
	}
	return b
}
