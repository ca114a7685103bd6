package batch

import (
	"errors"
	"fmt"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/state"
)

// takeAnswers keeps a job's answers, one by one.
func (b *Jobs) takeAnswers(v *Vendor, engine intent.LaterEngine, j *state.Batch, answers []connectors.BatchAnswer) {
	rows, asked, lost := map[int]*state.BatchAsk{}, len(j.Asks), 0
	for i := range j.Asks {
		rows[j.Asks[i].N] = &j.Asks[i]
	}
	for i := range answers {
		a := &answers[i]
		row := rows[a.Prompt]
		if row == nil {
			continue
		}
		delete(rows, a.Prompt)
		if a.Err != nil && connectors.KindOf(a.Err) != connectors.Rejected { // a refusal is an answer
			lost++
		}
		b.answered(v, engine, j, row, a.Completion, a.Err)
	}
	lost += len(rows)
	for _, row := range rows {
		b.answered(v, engine, j, row, connectors.Completion{}, errors.New("the job did not answer this prompt"))
	}
	b.o.Logger.Info("a job at the model's vendor is in", "job", j.Token, "answers", len(answers), "missing", lost, "people", len(j.People))
	b.noneOpen(j)
	if lost > 0 {
		b.giveUp(fmt.Errorf("job %s left %d of %d prompts unanswered: they are asked one by one", j.Token, lost, asked), false)
	}
	b.o.Host.Progress()
}

// unanswered has all that a job was asked be asked directly.
func (b *Jobs) unanswered(v *Vendor, engine intent.LaterEngine, j *state.Batch, why error) {
	for i := range j.Asks {
		b.answered(v, engine, j, &j.Asks[i], connectors.Completion{}, why)
	}
	b.noneOpen(j)
	b.giveUp(why, true)
}

// answered keeps one answer, or why there is none, and takes its prompt off the job.
func (b *Jobs) answered(v *Vendor, engine intent.LaterEngine, j *state.Batch, row *state.BatchAsk, c connectors.Completion, err error) {
	if !row.Void {
		a := askOf(row)
		engine.Answered(&a, c, err)
	}
	v.Ledger.BookLater(c.Usage, row.Reserved)
	b.o.DB.BatchAnsweredLater(j.Token, *row, b.o.Host.Day(b.o.Now()), c.Usage)
}

// noneOpen notes that nothing that a job was asked is open any more.
func (b *Jobs) noneOpen(j *state.Batch) {
	b.mu.Lock()
	defer b.mu.Unlock()
	j.Asks = nil
}

// giveUp counts a job that ended without answering all, or anything.
func (b *Jobs) giveUp(why error, whole bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.givenUp = givenUp{b.givenUp.n + 1, b.o.Now(), why, whole}
}
