package pipeline

import "github.com/intentd/intentd/connectors"

// intake are the counts of a source: its own, and whom it reached.
func (p *Pipeline) intake(source string, r connectors.IntakeReporter) *connectors.Intake {
	i, err := r.Intake()
	if err != nil {
		return nil // what ails the source shows in its own condition
	}
	if reached, err := p.db.Reached(source); err == nil {
		i.People, i.Strangers = reached.People, reached.Strangers
	}
	return &i
}
