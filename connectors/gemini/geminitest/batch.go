package geminitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/intentd/intentd/connectors"
)

// Batches says how jobs go. The zero value has each job done at the second look, in the order of its prompts.
type Batches struct {
	Looks int    // how often a job is looked at before it ends; 0: once; below 0: it never ends
	End   string // SUCCEEDED ("" too), FAILED, CANCELLED or EXPIRED
	Files bool   // answers come in a file, in backward order, instead of in the job
	// Lost answers are an error of their line, for prompts whose user text contains this; "": none.
	Lost string
	// Refuse is how the next request that opens a job fails; Internal and Reset open it nevertheless, as a failure on the way back does.
	Refuse Fault
	// PageSize bounds a page of a list; 0: what is asked for.
	PageSize int
}

// job is a batch.
type job struct {
	name, display, state string
	lines                []line
	looks                int
	answers              []map[string]any // once it is over
	file                 string
}

// line is a prompt of a job.
type line struct {
	metadata map[string]string
	prompt   connectors.Prompt
}

// Jobs are the display names of the jobs that lie at the vendor's, and Opened counts those ever opened.
func (s *Server) Jobs() (names []string, opened, files int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, j := range s.jobs {
		if j != nil {
			names = append(names, j.display)
		}
	}
	return names, len(s.jobs), len(s.files)
}

// SetBatches changes how jobs go from here on.
func (s *Server) SetBatches(b Batches) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Batches = b
}

func isBatch(req *http.Request) bool {
	path := req.URL.Path
	return strings.HasSuffix(path, ":batchGenerateContent") || strings.Contains(path, "/batches") || strings.Contains(path, "/files/")
}

func (s *Server) serveBatch(w http.ResponseWriter, req *http.Request) error {
	_, rest, _ := strings.Cut(req.URL.Path, "/v1beta/")
	name, action, _ := strings.Cut(rest, ":")
	s.mu.Lock()
	f := s.always
	s.mu.Unlock()
	switch f {
	case None:
	case Reset:
		return errReset
	default:
		return status(w, f)
	}
	switch {
	case action == "batchGenerateContent":
		return s.openJob(w, req)
	case strings.HasPrefix(name, "files/"):
		return s.serveFile(w, req, name)
	case name == "batches":
		return s.listJobs(w, req)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.jobs, func(j *job) bool { return j != nil && j.name == name })
	if i < 0 {
		return status(w, NoModel)
	}
	j := s.jobs[i]
	switch {
	case action == "cancel":
		if j.over() {
			return status(w, BadRequest)
		}
		j.state = "CANCELLED"
		return tell(w, map[string]any{})
	case req.Method == http.MethodDelete:
		s.jobs[i] = nil
		return tell(w, map[string]any{})
	}
	s.look(j)
	return tell(w, s.describeJob(j))
}

func (j *job) over() bool { return j.state != "PENDING" && j.state != "RUNNING" }

func tell(w http.ResponseWriter, v any) error {
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(v)
}

// openJob answers models.batchGenerateContent.
func (s *Server) openJob(w http.ResponseWriter, req *http.Request) error {
	var body struct {
		Batch struct {
			DisplayName string
			InputConfig struct {
				Requests struct {
					Requests []struct {
						Request  json.RawMessage
						Metadata map[string]string
					}
				}
			}
		}
	}
	if json.NewDecoder(req.Body).Decode(&body) != nil || len(body.Batch.InputConfig.Requests.Requests) == 0 {
		return status(w, BadRequest)
	}
	j := &job{display: body.Batch.DisplayName, state: "PENDING"}
	for _, r := range body.Batch.InputConfig.Requests.Requests {
		p, err := decode(bytes.NewReader(r.Request))
		if err != nil {
			return status(w, BadRequest)
		}
		j.lines = append(j.lines, line{r.Metadata, p})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	refuse := s.Batches.Refuse
	s.Batches.Refuse = None
	if refuse == None || refuse == Internal || refuse == Reset {
		j.name = fmt.Sprintf("batches/b%d", len(s.jobs)+1)
		s.jobs = append(s.jobs, j)
	}
	switch refuse {
	case None:
		return tell(w, s.describeJob(j))
	case Reset:
		return errReset
	}
	return status(w, refuse)
}

// look lets a job go on; s.mu is held.
func (s *Server) look(j *job) {
	if j.over() {
		return
	}
	j.looks++
	switch {
	case s.Batches.Looks < 0 || j.looks <= max(1, s.Batches.Looks):
		j.state = "RUNNING"
		return
	case s.Batches.End != "" && s.Batches.End != "SUCCEEDED":
		j.state = s.Batches.End
		return
	}
	j.state, j.answers = "SUCCEEDED", s.answersOf(j)
	if !s.Batches.Files {
		return
	}
	var b bytes.Buffer
	for _, r := range slices.Backward(j.answers) {
		r["key"] = r["metadata"].(map[string]string)["key"]
		delete(r, "metadata")
		_ = json.NewEncoder(&b).Encode(r)
	}
	if s.files == nil {
		s.files = map[string][]byte{}
	}
	j.file = "files/" + strings.ReplaceAll(j.name, "batches/", "answers")
	s.files[j.file] = b.Bytes()
}

// answersOf are the answers to a job's prompts, each paid for once; s.mu is held.
func (s *Server) answersOf(j *job) (out []map[string]any) {
	lost := s.Batches.Lost
	s.mu.Unlock()
	defer s.mu.Lock()
	for _, l := range j.lines {
		r := map[string]any{"metadata": l.metadata}
		if lost != "" && strings.Contains(l.prompt.User, lost) {
			r["error"] = map[string]any{"code": 13, "message": "internal"}
		} else {
			r["response"] = s.reply(l.prompt, s.take(l.prompt))
		}
		out = append(out, r)
	}
	return out
}

// describeJob is a job as batches.get tells it; s.mu is held.
func (s *Server) describeJob(j *job) map[string]any {
	meta := map[string]any{"state": "BATCH_STATE_" + j.state, "displayName": j.display, "createTime": "2026-11-20T09:00:00Z"}
	if j.state == "SUCCEEDED" {
		if j.file != "" {
			meta["output"] = map[string]any{"responsesFile": j.file}
		} else {
			meta["output"] = map[string]any{"inlinedResponses": map[string]any{"inlinedResponses": j.answers}}
		}
	}
	return map[string]any{"name": j.name, "metadata": meta, "done": j.over()}
}

// listJobs answers batches.list, page by page, the newest first; without the answers.
func (s *Server) listJobs(w http.ResponseWriter, req *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	size, _ := strconv.Atoi(req.URL.Query().Get("pageSize"))
	if s.Batches.PageSize > 0 {
		size = s.Batches.PageSize
	}
	from, _ := strconv.Atoi(req.URL.Query().Get("pageToken"))
	var list []any
	for _, j := range slices.Backward(s.jobs) {
		if j != nil {
			list = append(list, map[string]any{"name": j.name, "metadata": map[string]any{"state": "BATCH_STATE_" + j.state, "displayName": j.display}})
		}
	}
	page := map[string]any{}
	if from < len(list) {
		to := min(len(list), from+max(size, 1))
		page["operations"] = list[from:to]
		if to < len(list) {
			page["nextPageToken"] = strconv.Itoa(to)
		}
	}
	return tell(w, page)
}

// serveFile answers files.download and files.delete.
func (s *Server) serveFile(w http.ResponseWriter, req *http.Request, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	data, ok := s.files[name]
	switch {
	case !ok:
		return status(w, NoModel)
	case req.Method == http.MethodDelete:
		delete(s.files, name)
		return tell(w, map[string]any{})
	}
	_, err := io.Copy(w, bytes.NewReader(data))
	return err
}
