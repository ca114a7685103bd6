package collector

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/records"
)

// Bounds of the specification.
const (
	maxBody = 500 << 10 // of a request, packed and unpacked
	maxCall = 32 << 10
)

// Reasons why something sent cannot be read.
const (
	reasonBroken = "not a request of the Segment specification"
	reasonLarge  = "request longer than 500 KB"
	reasonGzip   = "damaged gzip data"
	reasonCall   = "not a call of the Segment specification"
	reasonLong   = "call longer than 32 KB"
	reasonNoName = "track without the name of an event"
)

// leftOutShare is a reason in Intake.LeftOut.
const leftOutShare = "more than one visitor's share"

// readBody is a request's body, unpacked.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	var in io.Reader = http.MaxBytesReader(w, r.Body, maxBody)
	if strings.EqualFold(r.Header.Get("Content-Encoding"), "gzip") {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, tooLarge(err, &refusal{http.StatusBadRequest, reasonGzip})
		}
		in = z
	}
	body, err := io.ReadAll(io.LimitReader(in, maxBody+1))
	switch {
	case len(body) > maxBody:
		return body, &refusal{http.StatusRequestEntityTooLarge, reasonLarge}
	case err != nil:
		return body, tooLarge(err, &refusal{http.StatusBadRequest, reasonBroken})
	}
	return body, nil
}

func tooLarge(err error, otherwise *refusal) error {
	if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
		return &refusal{http.StatusRequestEntityTooLarge, reasonLarge}
	}
	return otherwise
}

// request is what one request says.
type request struct {
	writeKey string
	sentAt   string
	calls    []json.RawMessage
}

// read reads a body: of a kind it is the call itself, else a batch of calls.
func (c *Collector) read(body []byte, kind string) (request, error) {
	var around struct {
		Batch    []json.RawMessage `json:"batch"`
		WriteKey string            `json:"writeKey"`
		SentAt   any               `json:"sentAt"`
	}
	if err := json.Unmarshal(body, &around); err != nil {
		return request{}, &refusal{http.StatusBadRequest, reasonBroken}
	}
	sent := request{writeKey: around.WriteKey, calls: around.Batch}
	sent.sentAt, _ = around.SentAt.(string)
	if kind != batch {
		sent.calls = []json.RawMessage{body}
	} else if around.Batch == nil {
		return request{}, &refusal{http.StatusBadRequest, reasonBroken}
	}
	return sent, nil
}

// events are the events of a request, and what became of the calls that are none.
func (c *Collector) events(r *http.Request, sent request, kind string, trusted bool) (events []connectors.Event, counts connectors.Intake) {
	now := c.now().UTC()
	address, agent := addressOf(r), r.UserAgent()
	events = make([]connectors.Event, 0, len(sent.calls))
	var e connectors.Event
	for _, call := range sent.calls {
		counts.Read++
		if len(call) > maxCall {
			c.unreadable(&counts, reasonLong)
			continue
		}
		times, ok := records.Segment(string(call), kind, &e)
		switch {
		case !ok:
			c.unreadable(&counts, reasonCall)
			continue
		case e.Kind == "":
			c.unreadable(&counts, reasonNoName)
			continue
		case !trusted && !c.shares.take(e.AnonymousID, address, now):
			counts.CountLeftOut(leftOutShare, 1)
			continue
		}
		if times.Sent == "" {
			times.Sent = sent.sentAt
		}
		e.Received, e.Time = now, happened(times, now)
		if e.ID == "" { // or it would count again when it is sent again
			e.ID = records.ContentID(string(bytes.TrimSpace(call)))
		}
		if !trusted {
			e.Proposed, e.IP = true, address
			if e.UserAgent == "" {
				e.UserAgent = agent
			}
		}
		e.Consent = records.Consent(e.Consent)
		events = append(events, e)
	}
	return events, counts
}

// happened is when something happened by our clock: as long before it arrived as it happened before it was sent, by the client's. (the rule
// of the Segment specification)
func happened(times records.Sent, arrived time.Time) time.Time {
	at, known := records.ParseTime(times.Happened)
	if !known {
		return arrived
	}
	if sent, ok := records.ParseTime(times.Sent); ok {
		at = arrived.Add(at.Sub(sent))
	}
	if at.After(arrived) {
		return arrived
	}
	return at
}
