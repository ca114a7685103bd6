package deliver

import (
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/state"
)

// final says whether a result settles its patch: taken, refused or gone. Anything else is tried again.
func final(err error) bool {
	switch connectors.KindOf(err) {
	case 0, connectors.Rejected, connectors.Gone:
		return true
	}
	return false
}

// acknowledge commits answers.
func (s *sender) acknowledge(answers []state.Answer) error {
	if len(answers) == 0 {
		return nil
	}
	now := s.o.Now()
	sum, err := s.o.DB.Acknowledge(answers, s.o.Host.Config(), s.o.Host.Day(now), now)
	if err != nil {
		s.o.Logger.Error("answers of the CRM could not be committed; their patches will be sent again", "crm", s.name, "patches", len(answers), "error", err)
		return err
	}
	if sum.Damaged > 0 {
		s.o.Logger.Error("what is kept of some people cannot be read; their patches are given up and they are dead letters", "crm", s.name, "people", sum.Damaged)
	}
	s.o.DB.CountHour("write/"+s.name, now, state.HourCounts{Done: int64(sum.Written), Failed: int64(sum.Rejected)})
	s.o.Host.Wrote(s.name, sum)
	return nil
}
