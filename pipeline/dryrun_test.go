package pipeline_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/operate"
	"github.com/intentd/intentd/pipeline/topics"
)

// paid is a model that counts how often it is asked.
type paid struct{ calls atomic.Int64 }

func (p *paid) Generate(context.Context, connectors.Prompt) (connectors.Completion, error) {
	p.calls.Add(1)
	return connectors.Completion{}, errors.New("no answer")
}

func TestADryRunPaysForNothing(t *testing.T) {
	w := newWorld(t)
	model := &paid{}
	w.setup.Topics = topics.New(topics.Config{Win: []string{"enterprise software"}, Model: model, ModelName: "m"})
	w.buyer("1")
	w.once()
	n := model.calls.Load()
	if n == 0 {
		t.Fatal("the test is no test: the topics of this journey ask no model")
	}
	if _, err := operate.PlanOf(t.Context(), w.p, operate.PlanOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := model.calls.Load(); got != n {
		t.Fatalf("a dry run asked the model %d times", got-n)
	}
}
