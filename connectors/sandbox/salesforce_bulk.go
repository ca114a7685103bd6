package sandbox

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
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

	upload    []byte // of an ingest job
	header    []string
	good, bad [][]string // rows with what became of them before their columns
	left      [][]string // unprocessed rows

	query *soqlQuery // of a query job
	all   bool
	recs  []*record
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
	if job == nil || job.query != nil != (c.rest[1] == "query") {
		panic(notThere())
	}
	return job
}

func (s *Salesforce) successfulRows(c *orgCall, _ *orgObject) reply {
	job := s.job(c)
	return csvReply(append([]string{"sf__Id", "sf__Created"}, job.header...), job.good)
}

func (s *Salesforce) failedRows(c *orgCall, _ *orgObject) reply {
	job := s.job(c)
	return csvReply(append([]string{"sf__Id", "sf__Error"}, job.header...), job.bad)
}

func (s *Salesforce) unprocessedRows(c *orgCall, _ *orgObject) reply {
	job := s.job(c)
	return csvReply(job.header, job.left)
}

func (s *Salesforce) openIngest(c *orgCall, _ *orgObject) reply { return s.openJob(c, "ingest") }

func (s *Salesforce) openQuery(c *orgCall, _ *orgObject) reply { return s.openJob(c, "query") }

func (s *Salesforce) openJob(c *orgCall, kind string) reply {
	var in struct{ Object, Operation, Query, ContentType, LineEnding, ColumnDelimiter, AssignmentRuleId string }
	c.read(&in)
	if in.LineEnding == "" {
		in.LineEnding = "LF"
	}
	job := &bulkJob{assigns: in.AssignmentRuleId != ""}
	ok := false
	if kind == "query" {
		job.all, job.query = in.Operation == "queryAll", s.parseSOQL(in.Query, false)
		job.object, ok = job.query.o, in.Operation == "query" || job.all
		if job.query.count {
			panic(badRequest("FEATURENOTENABLED", "Aggregates are not supported in bulk queries"))
		}
	} else if job.object, ok = s.object(in.Object); !ok || job.object.tooling {
		panic(badRequest("INVALIDJOB", "InvalidJob : Unable to find object: %s", in.Object))
	} else {
		ok = in.Operation == "update"
	}
	if !ok || in.ContentType != "" && in.ContentType != "CSV" || in.ColumnDelimiter != "" && in.ColumnDelimiter != "COMMA" || in.LineEnding != "LF" && in.LineEnding != "CRLF" {
		panic(badRequest("INVALIDJOB", "InvalidJob : the sandbox runs update, query and queryAll with CSV, commas, and LF or CRLF"))
	}
	s.serial++
	version, _ := strconv.ParseFloat(c.version, 64)
	job.jobJSON = jobJSON{
		ID: orgID(bulkPrefix, firstNumber+s.serial), Operation: in.Operation, Object: job.object.name, CreatedByID: s.me, CreatedDate: formatWireTime(s.nowMs()),
		ConcurrencyMode: "Parallel", ContentType: "CSV", APIVersion: version, JobType: "V2Ingest", LineEnding: in.LineEnding, ColumnDelimiter: "COMMA",
	}
	job.ContentURL = "services/data/v" + c.version + "/jobs/ingest/" + job.ID + "/batches"
	job.move(c, bulkOpen)
	if kind == "query" {
		job.JobType, job.uploaded = "V2Query", c.now
		job.move(c, bulkUploaded)
	}
	s.jobs[job.ID] = job
	return jsonReply(http.StatusOK, job.jobJSON)
}

func (j *bulkJob) move(c *orgCall, state string) {
	j.State, j.SystemModstamp = state, formatWireTime(c.now.UnixMilli())
	if state != bulkOpen {
		j.ContentURL = ""
	}
}

// upload answers PUT of the CSV file.
func (s *Salesforce) upload(c *orgCall, _ *orgObject) reply {
	switch j := s.job(c); {
	case j.State != bulkOpen:
		panic(badRequest("INVALIDJOBSTATE", "Upload to a job that is not open: job %s is %s", j.ID, j.State))
	case !c.isKind("text/csv"):
		panic(badRequest("INVALIDBATCH", "InvalidBatch : Content type must be text/csv"))
	case j.upload != nil:
		panic(badRequest("INVALIDJOBSTATE", "Found multiple contents for job: %s, please 'Close' / 'Abort' / 'Delete' the current Job then create a new Job and make sure you only do 'PUT' once on a given Job.", j.ID))
	case len(c.body) > mostBulkCSV:
		panic(badRequest("INVALIDBATCH", "InvalidBatch : The content is larger than %d bytes", mostBulkCSV))
	}
	s.job(c).upload = append([]byte{}, c.body...)
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
	if job.underWay() {
		panic(badRequest("API_ERROR", "Job %s must be aborted or have ended before it can be deleted", job.ID))
	}
	delete(s.jobs, job.ID)
	return reply{status: http.StatusNoContent}
}

// moveJob answers PATCH of a job's state: its file is whole, or it is to be aborted.
func (s *Salesforce) moveJob(c *orgCall, _ *orgObject) reply {
	job := s.job(c)
	var in struct{ State string }
	c.read(&in)
	switch {
	case in.State == bulkAborted && (job.underWay() || job.State == bulkOpen):
		job.header, job.left, _ = job.parse()
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
		job.recs = s.run(job.query, job.all)
		job.Processed = len(job.recs)
		job.move(c, bulkDone)
	default:
		s.work(c, job)
	}
}

// parse reads the uploaded CSV.
func (j *bulkJob) parse() (header []string, rows [][]string, err error) {
	r := csv.NewReader(bytes.NewReader(j.upload))
	header, err = r.Read()
	if errors.Is(err, io.EOF) {
		return nil, nil, errors.New("InvalidBatch : Records not found")
	}
	if err == nil {
		rows, err = r.ReadAll()
	}
	if err != nil {
		return nil, nil, fmt.Errorf("InvalidBatch : Failed to parse CSV: %w", err)
	}
	if crlf := bytes.Contains(j.upload, []byte("\r\n")); crlf != (j.LineEnding == "CRLF") && len(rows) > 0 {
		return nil, nil, fmt.Errorf("ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is %s", j.LineEnding)
	}
	return header, rows, nil
}

// work applies the rows of an ingest job.
func (s *Salesforce) work(c *orgCall, job *bulkJob) {
	header, rows, err := job.parse()
	if err != nil {
		job.ErrorMessage = err.Error()
		job.move(c, bulkFailed)
		return
	}
	job.header = header
	outcome := BulkOutcome{State: bulkDone, Rows: len(rows)}
	if len(s.outcomes) > 0 {
		outcome, s.outcomes = s.outcomes[0], s.outcomes[1:]
		outcome.Rows = min(max(outcome.Rows, 0), len(rows))
	}
	rowCall := &orgCall{request: &request{}, now: c.now} // headers of the call that asks for the state say nothing about the rows
	for _, row := range rows[:outcome.Rows] {
		in := job.row(row)
		if id, fault := s.workRow(rowCall, job, in); fault != nil {
			job.bad = append(job.bad, append([]string{in.id, fault.rowText()}, row...))
		} else {
			job.good = append(job.good, append([]string{id, "false"}, row...))
		}
	}
	job.Processed, job.Failed = outcome.Rows, len(job.bad)
	job.left = rows[outcome.Rows:]
	job.ErrorMessage = outcome.Message
	job.move(c, outcome.State)
}

// row reads a row. An empty cell leaves the field as it is, #N/A clears it.
func (j *bulkJob) row(cells []string) orgRow {
	row := orgRow{values: map[string]any{}}
	for i, name := range j.header {
		switch v := cells[i]; {
		case strings.EqualFold(name, "Id"):
			row.id, row.hasID = v, true
		case v == "#N/A":
			row.values[name] = nil
		case v != "":
			row.values[name] = csvText(v)
		}
	}
	return row
}

// workRow applies one row and returns the record's id.
func (s *Salesforce) workRow(c *orgCall, job *bulkJob, row orgRow) (id string, fault *orgFault) {
	fault = caught[orgFault](func() {
		changes := job.object.changesOf(row, false)
		if row.id == "" {
			panic(badRow("MISSING_ARGUMENT", "Id not specified in an update call"))
		}
		r := s.target(job.object, row.id)
		s.checkUpdate(c, job.object, r, changes)
		s.update(job.object, r, changes, job.assigns)
		id = r.id
	})
	if fault.misread() {
		fault = badRow("INVALID_TYPE_ON_FIELD_IN_RECORD", fault.message)
	}
	return id, fault
}

// csvReply renders rows as the Bulk API does: every cell in quotes, lines ended by a line feed.
func csvReply(header []string, rows [][]string) reply {
	b := appendCSV(nil, header)
	for _, row := range rows {
		b = appendCSV(b, row)
	}
	return reply{status: http.StatusOK, header: http.Header{"Content-Type": {"text/csv;charset=UTF-8"}}, body: b}
}

func appendCSV(b []byte, row []string) []byte {
	for i, v := range row {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), strings.ReplaceAll(v, `"`, `""`)...), '"')
	}
	return append(b, '\n')
}

// queryResults answers GET jobs/query/{id}/results, all of them at once.
func (s *Salesforce) queryResults(c *orgCall, _ *orgObject) reply {
	job := s.job(c)
	switch {
	case job.State != bulkDone:
		panic(badRequest("INVALIDJOBSTATE", "Results are not available: job %s is %s", job.ID, job.State))
	case c.params().Get("maxRecords") != "" || c.params().Get("locator") != "":
		panic(badRequest("INVALIDJOB", "InvalidJob : the sandbox gives all results at once"))
	}
	var header []string
	for _, path := range job.query.columns {
		header = append(header, path.name())
	}
	var rows [][]string
	for _, r := range job.recs {
		var row []string
		for _, path := range job.query.columns {
			row = append(row, path.field.plain(s.follow(path, r)))
		}
		rows = append(rows, row)
	}
	rep := csvReply(header, rows)
	rep.header["Sforce-Locator"], rep.header["Sforce-Numberofrecords"] = []string{"null"}, []string{strconv.Itoa(len(rows))}
	return rep
}
