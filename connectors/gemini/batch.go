package gemini

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"google.golang.org/genai"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/modelkit"
)

// terms of the Gemini API's batches: half the price, a target of 24 hours. A job's prompts stand in the request that opens it, which may
// hold 20 MB; that way no file of prompts lies at the vendor's beside the job.
var terms = connectors.BatchTerms{Share: 0.5, Prompts: 500, Bytes: 8 << 20, Deadline: 24 * time.Hour}

// Batching implements connectors.Batcher. Vertex AI takes jobs only by way of a bucket of the customer's, which nobody here would empty.
func (m *Model) Batching() *connectors.BatchTerms {
	if m.o.Vertex != nil {
		return nil
	}
	t := terms
	return &t
}

// keyName is the metadata that names a prompt of a job; in a file of answers it is a field.
const keyName = "key"

// Submit implements connectors.Batcher. The token is the job's display name.
func (m *Model) Submit(ctx context.Context, token string, prompts []connectors.Prompt) error {
	op := m.o.Name + ": submit a batch"
	if err := m.Refused(op); err != nil {
		return err
	}
	src := &genai.BatchJobSource{}
	for i, p := range prompts {
		src.InlinedRequests = append(src.InlinedRequests, &genai.InlinedRequest{
			Contents: contents(p), Config: m.config(p), Metadata: map[string]string{keyName: modelkit.BatchKey(i, p)},
		})
	}
	job, err := m.client.Batches.Create(modelkit.Once(ctx), m.o.Model, src, &genai.CreateBatchJobConfig{DisplayName: token})
	if err != nil {
		return m.batchFailed(op, err)
	}
	m.jobs.Store(token, job.Name)
	return nil
}

// batchFailed gives an error its kind. The SDK repeats parts of a prompt in none of its own, but a server may.
func (m *Model) batchFailed(op string, err error) error {
	e := m.classify(op, err)
	if e.Kind == connectors.Rejected {
		e.Message = "the vendor refuses the batch" // in words that may hold a prompt
		return e
	}
	return m.Failed(e)
}

// find is the name of a job at the vendor's; of kind Gone if there is none. Jobs of other tokens, and of others, are passed over.
func (m *Model) find(ctx context.Context, op, token string) (string, error) {
	if name, ok := m.jobs.Load(token); ok {
		return name.(string), nil
	}
	page, err := m.client.Batches.List(ctx, &genai.ListBatchJobsConfig{PageSize: 10})
	for ; err == nil; page, err = page.Next(ctx) {
		for _, job := range page.Items {
			if job.DisplayName == token && job.Name != "" {
				m.jobs.Store(token, job.Name)
				return job.Name, nil
			}
		}
		if page.NextPageToken == "" {
			return "", connectors.Errorf(connectors.Gone, op, "there is no such batch")
		}
	}
	return "", m.batchFailed(op, err)
}

// Poll implements connectors.Batcher.
func (m *Model) Poll(ctx context.Context, token string) (bool, []connectors.BatchAnswer, error) {
	op := m.o.Name + ": look at a batch"
	if err := m.Refused(op); err != nil {
		return false, nil, err
	}
	name, err := m.find(ctx, op, token)
	if err != nil {
		return false, nil, err
	}
	job, err := m.client.Batches.Get(ctx, name, nil)
	if err != nil {
		return false, nil, m.jobFailed(op, token, err)
	}
	switch job.State {
	case genai.JobStateSucceeded, genai.JobStatePartiallySucceeded, genai.JobStateFailed, genai.JobStateCancelled, genai.JobStateExpired:
	default:
		return false, nil, nil
	}
	if job.Dest == nil {
		return true, nil, nil
	}
	answers := m.inline(op, job.Dest.InlinedResponses)
	if file := job.Dest.FileName; file != "" {
		data, err := m.client.Files.Download(ctx, genai.NewDownloadURIFromFile(&genai.File{Name: file, DownloadURI: file}), nil)
		if err == nil {
			err = refusal(data)
		}
		if err != nil {
			return false, nil, m.jobFailed(op, token, err)
		}
		answers = append(answers, m.lines(op, data)...)
	}
	return true, answers, nil
}

// refusal is the error that came in the place of a file: the SDK does not look at the status of a download.
func refusal(data []byte) error {
	var said struct {
		Key   string          `json:"key"`
		Error *genai.APIError `json:"error"`
	}
	if json.Unmarshal(data, &said) == nil && said.Error != nil && said.Key == "" && said.Error.Status != "" {
		return *said.Error
	}
	return nil
}

// jobFailed is an error about one job: a job, or its file, that is not there is gone, and says nothing of the model.
func (m *Model) jobFailed(op, token string, err error) error {
	if e := m.classify(op, err); notFound(e) {
		m.jobs.Delete(token)
		e.Kind, e.Fix = connectors.Gone, ""
		return e
	}
	return m.batchFailed(op, err)
}

func notFound(e *connectors.Error) bool { return e.Code == "NOT_FOUND" || e.Code == "404" }

// inline are the answers that stand in the job itself.
func (m *Model) inline(op string, list []*genai.InlinedResponse) (out []connectors.BatchAnswer) {
	for i, r := range list {
		if r == nil {
			continue
		}
		key := r.Metadata[keyName]
		if key == "" { // they are in the order of the requests
			key = modelkit.BatchKey(i, connectors.Prompt{})
		}
		if a, ok := m.batchAnswer(op, key, r.Response, r.Error); ok {
			out = append(out, a)
		}
	}
	return out
}

// lines are the answers of a file, one a line. A line that cannot be read is an answer that is missing.
func (m *Model) lines(op string, data []byte) (out []connectors.BatchAnswer) {
	for line := range bytes.Lines(data) {
		var l struct {
			Key      string                         `json:"key"`
			Metadata map[string]string              `json:"metadata"`
			Response *genai.GenerateContentResponse `json:"response"`
			Error    *genai.JobError                `json:"error"`
		}
		if json.Unmarshal(line, &l) != nil {
			continue
		}
		if l.Key == "" {
			l.Key = l.Metadata[keyName]
		}
		if a, ok := m.batchAnswer(op, l.Key, l.Response, l.Error); ok {
			out = append(out, a)
		}
	}
	return out
}

func (m *Model) batchAnswer(op, key string, resp *genai.GenerateContentResponse, failed *genai.JobError) (connectors.BatchAnswer, bool) {
	if resp == nil || failed != nil {
		e := connectors.Errorf(connectors.Transient, op, "the vendor did not answer this prompt")
		return m.BatchAnswer(op, key, modelkit.Reply{}, e, terms.Share)
	}
	return m.BatchAnswer(op, key, reply(op, resp), nil, terms.Share)
}

// Discard implements connectors.Batcher. A job must be cancelled before it can be deleted, unless it is over; its file of answers has a
// life of its own.
func (m *Model) Discard(ctx context.Context, token string) error {
	op := m.o.Name + ": delete a batch"
	name, err := m.find(ctx, op, token)
	if err != nil {
		return unlessGone(err)
	}
	job, err := m.client.Batches.Get(ctx, name, nil)
	if err != nil {
		return unlessGone(m.jobFailed(op, token, err))
	}
	if job.State == genai.JobStatePending || job.State == genai.JobStateQueued || job.State == genai.JobStateRunning {
		if err := m.client.Batches.Cancel(ctx, name, nil); err != nil && !m.over(err) {
			return unlessGone(m.jobFailed(op, token, err))
		}
	}
	if job.Dest != nil && job.Dest.FileName != "" {
		if _, err := m.client.Files.Delete(ctx, job.Dest.FileName, nil); err != nil && !notFound(m.classify(op, err)) {
			return m.batchFailed(op, err)
		}
	}
	if _, err := m.client.Batches.Delete(ctx, name, nil); err != nil {
		return unlessGone(m.jobFailed(op, token, err))
	}
	m.jobs.Delete(token)
	return nil
}

// over says whether a job could not be cancelled because it ended meanwhile.
func (m *Model) over(err error) bool {
	var api genai.APIError
	return errors.As(err, &api) && (api.Code == http.StatusBadRequest || api.Code == http.StatusConflict)
}

func unlessGone(err error) error {
	if connectors.KindOf(err) == connectors.Gone {
		return nil
	}
	return err
}
