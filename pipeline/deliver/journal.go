package deliver

import (
	"time"

	"github.com/intentd/intentd/state"
)

// readOn reads the next rows of the journal when there is room for them.
func (s *sender) readOn(o *object) {
	room := window - len(o.rows) - len(o.sent)
	if o.whole || o.reading || room < min(window, batchSize) {
		return
	}
	o.reading = true
	after, pass := o.read, o.pass
	s.background(func() message {
		rows, next, damaged, err := s.o.DB.Rows(s.name, o.name, after, room)
		return journalRead{o, pass, rows, next, damaged, err}
	})
}

// journalRead brings rows of the journal.
type journalRead struct {
	o       *object
	pass    int
	rows    []state.Row
	next    uint64
	damaged int
	err     error
}

func (m journalRead) take(s *sender) {
	o := m.o
	o.reading = false
	if m.err != nil {
		s.stateFailed(o, m.err)
		return
	}
	if m.pass != o.pass {
		return // meanwhile it is to be read from the start
	}
	if m.damaged > 0 {
		s.o.Logger.Error("patches in the journal cannot be read; their people are dead letters", "crm", s.name, "object", o.name, "patches", m.damaged)
		s.o.Host.Wrote(s.name, state.Acknowledged{Damaged: m.damaged})
	}
	o.whole = m.next == 0 && !o.outdated
	o.outdated = false
	for i := range m.rows {
		r := &m.rows[i]
		if r.Seq <= o.read {
			continue
		}
		o.read = r.Seq
		if o.sent[r.Ref] == r.Seq {
			continue // it comes back if it has to be sent again
		}
		switch {
		case r.Token != "":
			o.addToJob(r, time.Now())
		case r.Bulk && (!o.noJob || o.filling()) && s.bulkWriter() != nil: // a job that is being filled may take it
			if o.bulk == 0 {
				o.bulkSince = time.Now()
			}
			o.bulk++
		default:
			o.push(&row{Row: *r})
		}
	}
	o.noJob = o.noJob && !o.whole
	s.noteBeginning()
}

// noteBeginning closes begun once every object's first rows were read.
func (s *sender) noteBeginning() {
	for _, o := range s.objects {
		if !o.whole && o.read == 0 {
			return
		}
	}
	select {
	case <-s.begun:
	default:
		close(s.begun)
	}
}
