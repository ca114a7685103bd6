package transport

import (
	"sync"

	"github.com/intentd/intentd/connectors"
)

// Failure is what a connector's last reading came to, for its report: it is gone with the next one that goes well, while the client's own
// last error stays. It is safe for concurrent use.
type Failure struct {
	mu   sync.Mutex
	said string
}

// Note notes how a reading ended.
func (f *Failure) Note(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.said = ""; err != nil && !connectors.Interrupted(err) {
		f.said = err.Error()
	}
}

// Report is the client's report with the failure as its last error.
func (f *Failure) Report(c *Client) connectors.Report {
	r := c.Report()
	f.mu.Lock()
	defer f.mu.Unlock()
	r.LastError = f.said
	return r
}
