package deliver

import (
	"context"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/state"
)

// A CRM that offers it takes the patches of a first sync or a mass re-score as jobs of thousands. The job's token is journalled with
// every patch it carries before anything is uploaded: after a crash the job is found by it, neither lost nor repeated (invariant 2). Live
// patches never wait for a job.

const (
	jobsOut     = 2                // jobs of one object under way at once
	jobPatience = 2 * time.Minute  // how long patches wait for a job to fill while more are coming
	joinsJob    = 5 * time.Second  // so long after patches that wait for a job others join them, however few are to come
	jobDeadline = 6 * time.Hour    // a job that has not ended by then is given up, and its patches go by calls
	refusals    = 5                // looks at a job that are refused in a row until it is given up
	lookFirst   = time.Second      // between two looks at a job, doubling …
	lookLast    = 30 * time.Second // … up to this
)

// lookAtJobs has the jobs watched that nobody watches, and starts one when it is full or when no more is coming; too few for a job go by
// calls.
func (s *sender) lookAtJobs(ctx context.Context, o *object, now time.Time, sooner func(time.Duration)) {
	b := s.bulkWriter()
	for _, j := range o.jobs {
		switch {
		case b == nil:
			s.release(o, j) // the config no longer offers jobs
		case j.unwatch == nil:
			s.watch(ctx, o, b, j)
		}
	}
	if o.bulk == 0 || o.noJob || o.filling() {
		return
	}
	if b == nil || s.target.Off {
		o.byCalls()
		s.readOn(o)
		return
	}
	if len(o.jobs) >= jobsOut || o.reading {
		return
	}
	if wait := o.bulkSince.Add(jobPatience).Sub(now); o.bulk < b.BulkSize() && wait > 0 && s.o.Host.Coming() {
		sooner(min(wait, time.Second))
		return
	}
	if o.bulk < min(b.BulkThreshold(), b.BulkSize()) {
		o.byCalls()
		s.readOn(o)
		return
	}
	s.startJob(ctx, o, b)
}

// startJob opens a job. Its token is known to the sender before any patch names it.
func (s *sender) startJob(ctx context.Context, o *object, b connectors.BulkWriter) {
	own, unwatch := context.WithCancel(ctx)
	j := &job{refs: map[connectors.Ref]bool{}, since: time.Now(), unwatch: unwatch}
	o.jobs[""] = j // its place, until it has a token
	o.bulkSince = time.Now()
	s.background(func() message {
		m := jobOpened{ctx: own, o: o, job: j, b: b}
		if m.err = s.o.Host.Ready(own, s.name); m.err == nil {
			m.token, m.err = b.Submit(own, o.name)
		}
		return m
	})
}

// jobOpened brings the token of a job, or says why there is none.
type jobOpened struct {
	ctx   context.Context
	o     *object
	job   *job
	b     connectors.BulkWriter
	token string
	err   error
}

// take has patches journalled as carried by the job, then uploaded.
func (m jobOpened) take(s *sender) {
	o := m.o
	delete(o.jobs, "")
	s.o.Host.Note(s.name, m.err)
	if m.err != nil {
		o.failures++
		o.paused = time.Now().Add(pause(o.failures))
		s.logFailure(o, o.bulk, m.err)
		return
	}
	m.job.token = m.token
	o.jobs[m.token] = m.job
	oldest, byHand := s.o.Now().Add(-expires), o.byHand()
	s.background(func() message {
		patches, err := s.o.DB.CarryByJob(s.name, o.name, m.token, oldest, m.b.BulkSize(), byHand)
		return jobFilled{jobOpened: m, patches: patches, state: err}
	})
}

// jobFilled says what a job carries.
type jobFilled struct {
	jobOpened
	patches []connectors.Patch
	state   error
}

// take has a job's patches uploaded; what waits beside them may go into another one meanwhile.
func (m jobFilled) take(s *sender) {
	o, j := m.o, m.job
	if m.state != nil || len(m.patches) == 0 { // nothing is carried: what waited has expired, was superseded or is in another job
		delete(o.jobs, j.token)
		s.background(m.abort)
	}
	if m.state != nil {
		s.stateFailed(o, m.state)
		return
	}
	if len(m.patches) == 0 {
		o.byCalls()
		return
	}
	for i := range m.patches {
		j.refs[m.patches[i].Ref] = true
	}
	o.rewind()
	s.background(func() message { return jobUploaded{o: o, job: j, err: m.b.Upload(m.ctx, j.token, m.patches)} })
}

// abort ends a job that was opened for nothing: it would take up one of the vendor's places until it expires.
func (m jobFilled) abort() message {
	a := jobAborted{o: m.o, token: m.token}
	if b, ok := m.b.(connectors.BulkAborter); ok {
		a.err = b.Abort(m.ctx, m.token)
	}
	m.job.unwatch()
	return a
}

// jobAborted says how a job was ended that carries nothing.
type jobAborted struct {
	o     *object
	token string
	err   error
}

func (m jobAborted) take(s *sender) {
	s.o.Host.Note(s.name, unlessRecord(m.err))
	if m.err != nil {
		s.o.Logger.Warn("a bulk job that carries nothing stays open at the vendor until it expires", "crm", s.name, "object", m.o.name, "job", m.token, "error", m.err)
	}
}

// jobUploaded says how the upload of a job went.
type jobUploaded struct {
	o   *object
	job *job
	err error
}

// take has the job watched at the next look, also if its upload failed: the CRM tells what it has of it.
func (m jobUploaded) take(s *sender) {
	s.o.Host.Note(s.name, m.err)
	m.o.failures = 0
	m.job.unwatch = nil
}

// watch looks at a job until it is done, given up, or not ours to watch any more.
func (s *sender) watch(ctx context.Context, o *object, b connectors.BulkWriter, j *job) {
	own, unwatch := context.WithCancel(ctx)
	j.unwatch = unwatch
	s.background(func() message {
		look, refused := lookFirst, 0
		for {
			done, results, err := b.Poll(own, j.token)
			kind := connectors.KindOf(err)
			s.o.Host.Note(s.name, unlessRecord(err))
			if refused++; kind != connectors.Rejected {
				refused = 0
			}
			switch {
			case own.Err() != nil:
				return jobLeft{o, j}
			case done || kind == connectors.Gone:
				return s.jobEnded(o, j, results, nil)
			case refused >= refusals || time.Since(j.since) > jobDeadline:
				if a, ok := b.(connectors.BulkAborter); ok {
					if aborted := a.Abort(own, j.token); aborted != nil && err == nil {
						err = aborted
					}
				}
				return s.jobEnded(o, j, results, jobGivenUp(s.name, err))
			case connectors.Stops(err):
				look = max(look, time.Until(connectors.Until(err)))
				if look > lookLast {
					look = lookLast // resume may let it go on any time
				}
			}
			t := time.NewTimer(look)
			select {
			case <-own.Done():
				t.Stop()
				return jobLeft{o, j}
			case <-t.C:
			}
			look = min(2*look, lookLast)
		}
	})
}

// unlessRecord is what an error says of the connector: nothing, if it is about what was asked for.
func unlessRecord(err error) error {
	switch connectors.KindOf(err) {
	case connectors.Rejected, connectors.Gone:
		return nil
	}
	return err
}

func jobGivenUp(crm string, why error) error {
	e := &connectors.Error{Kind: connectors.Transient, Op: crm + ": bulk job", Message: "did not end within " + jobDeadline.String() + " and is given up; its patches go by calls", Err: why}
	if why != nil {
		e.Message = "its outcome cannot be read and it is given up; its patches go by calls: " + why.Error()
	}
	return e
}

// jobLeft says that nobody watches the job any more: the process stops, or another target is in force.
type jobLeft struct {
	o *object
	j *job
}

func (m jobLeft) take(*sender) { m.j.unwatch = nil }

// jobEnd is the end of a job: its answers are committed, what it did not tell of waits again.
type jobEnd struct {
	o        *object
	j        *job
	released int
	why      error
	state    error
}

// jobEnded commits what a job tells and has the rest sent by calls: the values are absolute, sending them again is harmless.
func (s *sender) jobEnded(o *object, j *job, results []connectors.Result, why error) message {
	m := jobEnd{o: o, j: j, why: why}
	for len(results) > 0 {
		var answers []state.Answer
		n := min(len(results), batchSize)
		for _, r := range results[:n] {
			if final(r.Err) {
				answers = append(answers, state.Answer{Ref: r.Ref, Token: j.token, Stored: r.Stored, Modified: r.Modified, Err: r.Err})
			}
		}
		results = results[n:]
		if m.state = s.acknowledge(answers); m.state != nil {
			return m
		}
	}
	m.released, m.state = s.o.DB.ReleaseJob(s.name, o.name, j.token)
	return m
}

func (m jobEnd) take(s *sender) {
	o := m.o
	if m.state != nil {
		m.j.unwatch = nil // it is watched again
		s.stateFailed(o, m.state)
		return
	}
	delete(o.jobs, m.j.token)
	if m.why != nil {
		s.o.Logger.Error("a bulk job is given up", "crm", s.name, "object", o.name, "patches", m.released, "error", m.why)
		s.o.Host.Note(s.name, m.why)
	}
	if m.released > 0 {
		o.rewind() // they are met again, as others are
	}
}

// release gives up a job whose outcome can no longer be asked for.
func (s *sender) release(o *object, j *job) {
	if j.unwatch == nil {
		j.unwatch = func() {}
		s.background(func() message { return s.jobEnded(o, j, nil, nil) })
	}
}
