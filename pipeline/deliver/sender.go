package deliver

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/intentd/intentd/connectors"
)

// sender owns what is on its way to one CRM. Only its own goroutine touches the fields from target on; everybody else sends it messages.
type sender struct {
	o     Options
	name  string
	inbox chan message
	begun chan struct{} // closed once the journal's first rows are known
	done  chan struct{}
	next  atomic.Pointer[Target] // to be taken up at the next look
	wake  chan struct{}

	room          atomic.Bool  // published: more patches may be staged
	waitingForJob atomic.Int64 // published: patches that wait for a job

	target  Target
	objects map[string]*object
	beside  sync.WaitGroup // goroutines that do its I/O
	failed  error          // of the state: nothing is sent any more
}

// message is what the sender is told or asked.
type message interface{ take(s *sender) }

func newSender(o Options, t Target) *sender {
	s := &sender{o: o, name: t.Name, target: t, inbox: make(chan message, 64), begun: make(chan struct{}), done: make(chan struct{}), wake: make(chan struct{}, 1), objects: map[string]*object{}}
	s.room.Store(true)
	s.aim(t)
	return s
}

// aim hands the sender its target of now and has it look at the journal.
func (s *sender) aim(t Target) {
	s.next.Store(&t)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// ask sends a question and waits for its answer.
func (s *sender) ask(ctx context.Context, m question) error {
	q := asked{m, make(chan struct{})}
	select {
	case s.inbox <- q:
	case <-s.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-q.answered:
	case <-s.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// background runs I/O in a goroutine of its own; what it returns comes back as a message.
func (s *sender) background(do func() message) {
	s.beside.Add(1)
	go func() {
		defer s.beside.Done()
		s.inbox <- do()
	}()
}

// bulkWriter is the CRM as a bulk writer, nil if it is none.
func (s *sender) bulkWriter() connectors.BulkWriter {
	b, _ := s.target.CRM.(connectors.BulkWriter)
	return b
}

// question is what others ask the sender. Its answer lies in the question itself once ask has returned.
type question interface{ answer(s *sender) }

type asked struct {
	question
	answered chan struct{}
}

func (q asked) take(s *sender) {
	q.answer(s)
	close(q.answered)
}
