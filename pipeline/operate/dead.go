package operate

import (
	"slices"
	"strings"

	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/state"
)

// DeadLetters lists up to n dead letters.
func DeadLetters(p *pipeline.Pipeline, n int) ([]state.Dead, error) {
	var out []state.Dead
	after := ""
	for len(out) < n {
		page, next, err := p.DB().DeadLetters(after, min(500, n-len(out)))
		if err != nil {
			return nil, err
		}
		out, after = append(out, page...), next
		if len(page) == 0 || after == "" {
			break
		}
	}
	return out, nil
}

// RetryDead puts the people behind dead letters into the queue again, all of them or those of one record, and returns how
// many. A letter goes when the CRM takes its record.
func RetryDead(p *pipeline.Pipeline, ref string) (int, error) {
	return eachDead(p, ref, func(letters []state.Dead) error { return p.DB().RetryLetters(letters, p.Now()) })
}

// DropDead gives dead letters up: all of them or those of one record.
func DropDead(p *pipeline.Pipeline, ref string) (int, error) {
	return eachDead(p, ref, p.DB().DropLetters)
}

func eachDead(p *pipeline.Pipeline, ref string, do func([]state.Dead) error) (n int, err error) {
	letters, err := DeadLetters(p, 1<<20)
	if err != nil {
		return 0, err
	}
	if ref != "" {
		named := p.Setup().RefsNamed(strings.TrimSpace(ref))
		letters = slices.DeleteFunc(letters, func(d state.Dead) bool { return !slices.Contains(named, d.Ref) && d.Ref.ID != ref })
	}
	for chunk := range slices.Chunk(letters, 500) {
		if err := do(chunk); err != nil {
			return n, err
		}
		n += len(chunk)
	}
	p.Wake()
	return n, nil
}
