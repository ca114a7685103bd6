package deliver

import (
	"slices"
	"time"

	"github.com/intentd/intentd/connectors"
)

// publish tells lots whether there is room, and how many patches wait for a job.
func (s *sender) publish() {
	room, bulk, b := true, 0, s.bulkWriter()
	for _, o := range s.objects {
		bulk += o.bulk
		if len(o.rows)+len(o.sent) >= window || b != nil && o.bulk >= b.BulkSize() && len(o.jobs) >= jobsOut {
			room = false
		}
	}
	s.room.Store(room)
	s.waitingForJob.Store(int64(bulk))
}

// whichUnderWay asks which records are being written, or will be in a moment.
type whichUnderWay struct {
	refs []connectors.Ref
	into map[connectors.Ref]bool
}

func (q whichUnderWay) answer(s *sender) {
	_, blocked := s.o.Host.Blocked(s.name)
	stopped := blocked != nil || s.o.Host.Halted()
	for _, ref := range q.refs {
		o := s.objects[ref.Object]
		if o == nil {
			continue
		}
		soon := o.byRef[ref] != nil && !stopped && time.Now().After(o.paused) && time.Now().After(o.byRef[ref].notBefore)
		if o.sent[ref] != 0 || soon || o.inJob(ref) {
			q.into[ref] = true
		}
	}
}

// whichSent asks whether any of the records is in a call or a job.
type whichSent struct {
	refs  []connectors.Ref
	found *bool
}

func (q whichSent) answer(s *sender) {
	*q.found = slices.ContainsFunc(q.refs, func(ref connectors.Ref) bool {
		o := s.objects[ref.Object]
		return ref.CRM == s.name && o != nil && (o.sent[ref] != 0 || o.inJob(ref))
	})
}

// whetherIdle asks whether there is nothing to do at present.
type whetherIdle struct{ idle *bool }

// answer says whether the sender has nothing to do that it could do now. What was tried and failed again and again stays journalled.
func (q whetherIdle) answer(s *sender) {
	s.publish() // whoever is told that nothing is under way sees the room there is
	if len(s.wake) > 0 {
		return
	}
	_, blocked := s.o.Host.Blocked(s.name)
	stopped := blocked != nil || s.o.Host.Halted()
	for _, o := range s.objects {
		if o.calls > 0 || o.reading {
			return
		}
		if stopped {
			continue
		}
		late := o.jobsLate(s.o.JobWait)
		if len(o.jobs) > 0 && !late {
			return
		}
		tried := time.Now().Before(o.paused) && o.failures > 3
		if !tried && (!o.whole || o.bulk > 0 && !late || slices.ContainsFunc(o.rows, func(r *row) bool { return r.attempts <= 3 })) {
			return
		}
	}
	*q.idle = true
}
