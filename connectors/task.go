package connectors

import (
	"context"
	"strings"
	"time"
)

// Task is something to do for whoever owns a record.
type Task struct {
	Ref
	Owner         string    // the CRM's id of who is to do it, as Contact.Owner tells it; "": nobody in particular
	Due           time.Time // CRMs that know days alone take the day in its location
	Subject, Body string    // plain texts, the subject on one line of at most 200 characters
	Mark          string    // the same whenever the same task is asked for: letters, digits and -
}

// TaskSign ends the subject of each task that intentd makes: by it a connector knows its own when it reads them.
const TaskSign = "(intentd)"

// Title is the task's subject with the sign.
func (t *Task) Title() string { return t.Subject + " " + TaskSign }

// MarkedBody is the task's body with the line that holds its mark.
func (t *Task) MarkedBody() string { return t.Body + "\n\n" + t.line() }

// Bears says whether a body, as a CRM tells it, is that of this task.
func (t *Task) Bears(body string) bool { return strings.Contains(body, t.line()) }

func (t *Task) line() string { return "intentd:" + t.Mark }

// OwnTask says whether a subject is that of a task of intentd's own.
func OwnTask(subject string) bool { return strings.HasSuffix(strings.TrimSpace(subject), TaskSign) }

// TaskWriter is a CRM that takes tasks. They are all that is ever written to a CRM beside intentd's own fields, and only where the
// configuration asks for them.
type TaskWriter interface {
	// PutTask makes a task, unless its record has one that bears its mark: it looks each time, so that a call whose outcome nobody knows is
	// made again. An error of kind Rejected is about this task; after one of kind Transient it may have been made.
	PutTask(ctx context.Context, t *Task) error
	// ProbeTasks finds out, without making any, whether tasks can be read and made.
	ProbeTasks(ctx context.Context) error
}
