package sandbox

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Bulk API 2.0: jobs that a CSV file is uploaded to, and jobs that run a query.
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
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outcomes = append(s.outcomes, outcomes...)
}

// bulkJob is a job. Its state moves on by one each time it is asked for, and to its end not before BulkTime has passed.
type bulkJob struct {
	id, kind     string // ingest or query
	object       *orgObject
	operation    string
	assigns      bool // names an assignment rule: without one, none runs
	crlf         bool
	comma        rune
	commaName    string
	version      string
	state        string
	message      string
	created, at  time.Time // made; state changed
	uploaded     time.Time
	upload       []byte
	done, failed int
	header       []string
	good, bad    [][]string // rows with what became of them before their columns
	left         [][]string // unprocessed rows

	all   bool
	plan  *soqlPlan
	ords  []uint32
	total int
}

var bulkCommas = map[string]rune{"": ',', "COMMA": ',', "BACKQUOTE": '`', "CARET": '^', "PIPE": '|', "SEMICOLON": ';', "TAB": '\t'}

// ingest answers the paths under jobs/ingest.
func (s *Salesforce) ingest(c *orgCall, rest []string) (reply, *orgFailure) {
	if len(rest) == 0 {
		switch c.method {
		case http.MethodPost:
			return s.openIngest(c)
		case http.MethodGet:
			return s.listJobs(c, "ingest"), nil
		}
		return reply{}, wrongMethod(c.method)
	}
	job, err := s.job(rest[0], "ingest")
	if err != nil {
		return reply{}, err
	}
	if len(rest) == 1 {
		return s.handleJob(c, job)
	}
	if len(rest) > 2 && !(len(rest) == 3 && rest[2] == "") {
		return reply{}, notThere()
	}
	if rest[1] == "batches" {
		if c.method != http.MethodPut {
			return reply{}, wrongMethod(c.method)
		}
		return s.uploadJob(c, job)
	}
	if c.method != http.MethodGet {
		return reply{}, wrongMethod(c.method)
	}
	switch rest[1] {
	case "successfulResults":
		return job.csv(append([]string{"sf__Id", "sf__Created"}, job.header...), job.good), nil
	case "failedResults":
		return job.csv(append([]string{"sf__Id", "sf__Error"}, job.header...), job.bad), nil
	case "unprocessedrecords", "unprocessedRecords":
		return job.csv(job.header, job.left), nil
	}
	return reply{}, notThere()
}

func (s *Salesforce) job(id, kind string) (*bulkJob, *orgFailure) {
	id, _ = longID(id)
	if job := s.jobs[id]; job != nil && job.kind == kind {
		return job, nil
	}
	return nil, notThere()
}

// bulkRefused is a request about a job that cannot be.
func bulkRefused(code, format string, args ...any) *orgFailure {
	return badRequest(code, format, args...)
}

func (s *Salesforce) newJob(c *orgCall, kind string) *bulkJob {
	s.serial++
	job := &bulkJob{id: orgID(bulkPrefix, firstNumber+s.serial), kind: kind, version: c.version, state: bulkOpen, created: c.now, at: c.now}
	s.jobs[job.id] = job
	s.jobOrder = append(s.jobOrder, job.id)
	return job
}

func (s *Salesforce) openIngest(c *orgCall) (reply, *orgFailure) {
	if err := wantsJSON(c); err != nil {
		return reply{}, err
	}
	var in struct{ Object, Operation, ContentType, LineEnding, ColumnDelimiter, ExternalIdFieldName, AssignmentRuleId string }
	if err := json.Unmarshal(c.body, &in); err != nil {
		return reply{}, badRequest("JSON_PARSER_ERROR", "%s", err)
	}
	o, ok := s.object(in.Object)
	comma, known := bulkCommas[in.ColumnDelimiter]
	switch {
	case !ok || o.tooling:
		return reply{}, bulkRefused("INVALIDJOB", "InvalidJob : Unable to find object: %s", in.Object)
	case in.Operation == "upsert":
		return reply{}, bulkRefused("INVALIDJOB", "InvalidJob : the sandbox does not support upsert")
	case !slices.Contains([]string{"insert", "update", "delete"}, in.Operation):
		return reply{}, bulkRefused("INVALIDJOB", "InvalidJob : Invalid operation: %s", in.Operation)
	case in.ContentType != "" && in.ContentType != "CSV":
		return reply{}, bulkRefused("INVALIDJOB", "InvalidJob : Unsupported content type: %s", in.ContentType)
	case !known:
		return reply{}, bulkRefused("INVALIDJOB", "InvalidJob : Invalid column delimiter: %s", in.ColumnDelimiter)
	case in.LineEnding != "" && in.LineEnding != "LF" && in.LineEnding != "CRLF":
		return reply{}, bulkRefused("INVALIDJOB", "InvalidJob : Invalid line ending: %s", in.LineEnding)
	}
	job := s.newJob(c, "ingest")
	job.object, job.operation, job.comma, job.crlf = o, in.Operation, comma, in.LineEnding == "CRLF"
	job.commaName, job.assigns = in.ColumnDelimiter, in.AssignmentRuleId != ""
	return reply{status: http.StatusOK, body: s.appendJob(nil, job)}, nil
}

func (s *Salesforce) uploadJob(c *orgCall, job *bulkJob) (reply, *orgFailure) {
	kind, _, _ := strings.Cut(c.header.Get("Content-Type"), ";")
	switch {
	case job.state != bulkOpen:
		return reply{}, bulkRefused("INVALIDJOBSTATE", "Upload to a job that is not open: job %s is %s", job.id, job.state)
	case strings.TrimSpace(kind) != "text/csv":
		return reply{}, bulkRefused("INVALIDBATCH", "InvalidBatch : Content type must be text/csv")
	case job.upload != nil:
		return reply{}, bulkRefused("INVALIDJOBSTATE", "Found multiple contents for job: %s, please 'Close' / 'Abort' / 'Delete' the current Job then create a new Job and make sure you only do 'PUT' once on a given Job.", job.id)
	case len(c.body) > mostBulkCSV:
		return reply{}, bulkRefused("INVALIDBATCH", "InvalidBatch : The content is larger than %d bytes", mostBulkCSV)
	}
	job.upload = slices.Clone(c.body)
	if job.upload == nil {
		job.upload = []byte{}
	}
	return reply{status: http.StatusCreated}, nil
}

// handleJob answers GET, PATCH and DELETE of a job.
func (s *Salesforce) handleJob(c *orgCall, job *bulkJob) (reply, *orgFailure) {
	switch c.method {
	case http.MethodGet:
		s.advance(c, job)
		return reply{status: http.StatusOK, body: s.appendJob(nil, job)}, nil
	case http.MethodDelete:
		if job.state == bulkUploaded || job.state == bulkWorking {
			return reply{}, bulkRefused("API_ERROR", "Job %s must be aborted or have ended before it can be deleted", job.id)
		}
		delete(s.jobs, job.id)
		return reply{status: http.StatusNoContent}, nil
	case http.MethodPatch:
		if err := wantsJSON(c); err != nil {
			return reply{}, err
		}
		var in struct{ State string }
		if err := json.Unmarshal(c.body, &in); err != nil {
			return reply{}, badRequest("JSON_PARSER_ERROR", "%s", err)
		}
		ended := job.state == bulkDone || job.state == bulkFailed || job.state == bulkAborted
		switch {
		case in.State == bulkAborted && !ended:
			job.move(bulkAborted, c.now)
			s.readUpload(job)
			job.left = append(job.left, job.pending()...)
		case in.State == bulkUploaded && job.kind == "ingest" && job.state == bulkOpen:
			job.move(bulkUploaded, c.now)
			job.uploaded = c.now
		default:
			return reply{}, bulkRefused("INVALIDJOBSTATE", "Transition from %s to %s is not possible", job.state, in.State)
		}
		return reply{status: http.StatusOK, body: s.appendJob(nil, job)}, nil
	}
	return reply{}, wrongMethod(c.method)
}

func (j *bulkJob) move(state string, now time.Time) { j.state, j.at = state, now }

// pending are the rows of the upload that nothing has become of.
func (j *bulkJob) pending() [][]string {
	_, rows, err := j.parse()
	if err != nil {
		return nil
	}
	return rows[min(len(j.good)+len(j.bad)+len(j.left), len(rows)):]
}

// advance moves a job's state on.
func (s *Salesforce) advance(c *orgCall, job *bulkJob) {
	switch job.state {
	case bulkUploaded:
		job.move(bulkWorking, c.now)
	case bulkWorking:
		if c.now.Sub(job.uploaded) < s.o.BulkTime {
			return
		}
		if job.kind == "query" {
			s.runBulkQuery(c, job)
			return
		}
		s.work(c, job)
	}
}

// parse reads the uploaded CSV.
func (j *bulkJob) parse() (header []string, rows [][]string, err error) {
	r := csv.NewReader(bytes.NewReader(j.upload))
	r.Comma = j.comma
	header, err = r.Read()
	if errors.Is(err, io.EOF) {
		return nil, nil, errors.New("InvalidBatch : Records not found")
	}
	if err != nil {
		return nil, nil, fmt.Errorf("InvalidBatch : Failed to parse CSV: %w", err)
	}
	rows, err = r.ReadAll()
	if err != nil {
		return nil, nil, fmt.Errorf("InvalidBatch : Failed to parse CSV: %w", err)
	}
	return header, rows, nil
}

func (s *Salesforce) readUpload(job *bulkJob) [][]string {
	header, rows, err := job.parse()
	if err != nil {
		return nil
	}
	job.header = header
	return rows
}

// work applies the rows of an ingest job.
func (s *Salesforce) work(c *orgCall, job *bulkJob) {
	header, rows, err := job.parse()
	if err == nil && bytes.Contains(job.upload, []byte("\r\n")) != job.crlf && len(rows) > 0 {
		ending := map[bool]string{true: "CRLF", false: "LF"}[job.crlf]
		err = fmt.Errorf("ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is %s", ending)
	}
	if err != nil {
		job.message = err.Error()
		job.move(bulkFailed, c.now)
		return
	}
	c = &orgCall{request: &request{}, now: c.now} // headers of the call that asks for the state say nothing about the rows
	job.header = header
	outcome := BulkOutcome{State: bulkDone, Rows: len(rows)}
	if len(s.outcomes) > 0 {
		outcome, s.outcomes = s.outcomes[0], s.outcomes[1:]
		outcome.Rows = min(max(outcome.Rows, 0), len(rows))
	}
	for i, row := range rows[:outcome.Rows] {
		id, created, fault := s.workRow(c, job, header, row)
		if fault != nil {
			job.bad = append(job.bad, append([]string{id, fault.rowText()}, row...))
			job.failed++
		} else {
			job.good = append(job.good, append([]string{id, strconv.FormatBool(created)}, row...))
		}
		job.done = i + 1
	}
	job.left = rows[outcome.Rows:]
	job.message = outcome.Message
	job.move(outcome.State, c.now)
}

// workRow applies one row. An empty cell leaves the field as it is, #N/A clears it.
func (s *Salesforce) workRow(c *orgCall, job *bulkJob, header, row []string) (id string, created bool, fault *rowFault) {
	o := job.object
	in := orgRow{}
	for i, name := range header {
		v := row[i]
		if strings.EqualFold(name, "Id") {
			in.id, in.hasID = v, true
			continue
		}
		if v == "" {
			continue
		}
		p := orgPair{name: []byte(name), text: []byte(v), kind: '0'} // of no JSON type: any text that the field can read
		if v == "#N/A" {
			p.kind, p.text = 'n', nil
		}
		in.pairs = append(in.pairs, p)
	}
	fresh := job.operation == "insert"
	changes, _, fault, failure := s.changesOf(o, in, fresh, nil)
	if failure != nil {
		fault = &rowFault{"INVALID_TYPE_ON_FIELD_IN_RECORD", failure.message, []string{}}
	}
	if fault != nil {
		return in.id, false, fault
	}
	if fresh {
		if fault = s.checkValues(c, o, -1, changes); fault != nil {
			return "", false, fault
		}
		return o.id(s.create(o, s.assigned(job.assigns, o, changes), s.me, c.now.Unix())), true, nil
	}
	if !in.hasID || in.id == "" {
		return "", false, &rowFault{"MISSING_ARGUMENT", "Id not specified in an " + job.operation + " call", []string{}}
	}
	ord, fault := s.target(o, in.id)
	if fault != nil {
		return in.id, false, fault
	}
	if job.operation == "delete" {
		s.remove(o, ord, s.me, 0)
		return o.id(ord), false, nil
	}
	if fault = s.checkUpdate(c, o, ord, changes); fault != nil {
		return in.id, false, fault
	}
	s.update(c, o, ord, s.assigned(job.assigns, o, changes))
	return o.id(ord), false, nil
}

// csv renders rows as the Bulk API does: every cell in quotes, lines ended by a line feed.
func (j *bulkJob) csv(header []string, rows [][]string) reply {
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
		b = append(b, '"')
		b = append(b, strings.ReplaceAll(v, `"`, `""`)...)
		b = append(b, '"')
	}
	return append(b, '\n')
}

// appendJob renders a job.
func (s *Salesforce) appendJob(b []byte, job *bulkJob) []byte {
	version, _ := strconv.ParseFloat(job.version, 64)
	b = appendQuoted(append(b, `{"id":`...), job.id)
	b = appendQuoted(append(b, `,"operation":`...), job.operation)
	b = appendQuoted(append(b, `,"object":`...), job.object.name)
	b = appendQuoted(append(b, `,"createdById":`...), s.users.id(s.me))
	b = append(appendWireTime(append(b, `,"createdDate":"`...), job.created.Unix()), '"')
	b = append(appendWireTime(append(b, `,"systemModstamp":"`...), job.at.Unix()), '"')
	b = appendQuoted(append(b, `,"state":`...), job.state)
	b = append(b, `,"concurrencyMode":"Parallel","contentType":"CSV"`...)
	b = strconv.AppendFloat(append(b, `,"apiVersion":`...), version, 'f', 1, 64)
	if job.kind == "ingest" {
		b = append(b, `,"jobType":"V2Ingest"`...)
		if job.state == bulkOpen {
			b = appendQuoted(append(b, `,"contentUrl":`...), "services/data/v"+job.version+"/jobs/ingest/"+job.id+"/batches")
		}
	} else {
		b = append(b, `,"jobType":"V2Query"`...)
	}
	b = appendQuoted(append(b, `,"lineEnding":`...), map[bool]string{true: "CRLF", false: "LF"}[job.crlf])
	delimiter := job.commaName
	if delimiter == "" {
		delimiter = "COMMA"
	}
	b = appendQuoted(append(b, `,"columnDelimiter":`...), delimiter)
	if job.kind == "query" {
		b = fmt.Appendf(b, `,"numberRecordsProcessed":%d`, job.total)
	} else if job.state != bulkOpen && job.state != bulkUploaded {
		b = fmt.Appendf(b, `,"retries":0,"totalProcessingTime":%d,"apiActiveProcessingTime":0,"apexProcessingTime":0,"numberRecordsProcessed":%d,"numberRecordsFailed":%d`, max(job.at.Sub(job.uploaded).Milliseconds(), 0), job.done, job.failed)
	}
	if job.message != "" {
		b = appendQuoted(append(b, `,"errorMessage":`...), job.message)
	}
	return append(b, '}')
}

// listJobs answers GET jobs/ingest and jobs/query.
func (s *Salesforce) listJobs(c *orgCall, kind string) reply {
	b := []byte(`{"done":true,"nextRecordsUrl":null,"records":[`)
	first := true
	for _, id := range s.jobOrder {
		job := s.jobs[id]
		if job == nil || job.kind != kind {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = s.appendJob(b, job)
	}
	return reply{status: http.StatusOK, body: append(b, "]}"...)}
}
