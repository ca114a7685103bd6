package asked

import (
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// Source is what every source that is asked over HTTP has and tells of itself. It is embedded.
type Source struct {
	Name  string
	Every time.Duration // between two polls; 0: it is not polled
	HTTP  *transport.Client
	Now   func() time.Time
	Tally
}

// Of makes the source one of a host's, with the options of its client that the source alone knows.
func (s *Source) Of(h connectors.Host, o transport.Options) {
	s.Name, s.Every, s.Now = h.Name, h.Poll, h.Now
	if s.Now == nil {
		s.Now = time.Now
	}
	o.Name, o.HTTP, o.Now, o.Logger = h.Name, h.HTTP, h.Now, h.Logger
	s.HTTP = transport.New(o)
}

// Intake implements connectors.IntakeReporter: what was read since start.
func (s *Source) Intake() (connectors.Intake, error) { return s.Counts(), nil }

// Report implements connectors.Reporter.
func (s *Source) Report() connectors.Report { return s.HTTP.Report() }

// Release implements connectors.Releaser.
func (s *Source) Release() { s.HTTP.Release() }

// Misread counts what could not be read of the nth part of an answer, counting from 1.
func (s *Source) Misread(answer string, n int, why error) {
	s.Unreadable(connectors.Unreadable{Where: "the answer to " + answer, Line: int64(n), Reason: why.Error(), Time: s.Now()})
}

// PollsADay is how often the source is polled in a day.
func (s *Source) PollsADay() float64 {
	if s.Every <= 0 {
		return 0
	}
	return float64(24*time.Hour) / float64(s.Every)
}

// LeftOutNobodys counts events of somebody who is several of the people asked about, or none of them.
const LeftOutNobodys = "of several people, or of none asked about"
