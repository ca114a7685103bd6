package app

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/intake"
	"github.com/intentd/intentd/pipeline/learn/proof"
	"github.com/intentd/intentd/state"
)

// A holdout begins only where it can show something within a year. Until that is known, and where it cannot, everybody is written as without one.

const (
	holdoutKey = "holdout"
	weighAgain = 7 * 24 * time.Hour // what could not begin is weighed again

	settled  = 7 * 24 * time.Hour  // what is first shown after the first sync's week is news
	leastNew = 28 * 24 * time.Hour // for so long news are to be counted, before they say anything …
	mostNew  = 90 * 24 * time.Hour // … and no further back
	month    = 365 * 24 * time.Hour / 12
	wonSpan  = 365 * 24 * time.Hour
)

// weighed is the last word on the holdout; a zero one, if it was never weighed.
func (a *App) weighed() (w proof.Weighed) {
	if b, err := a.db.Setting(holdoutKey); err == nil && b != nil {
		_ = json.Unmarshal(b, &w) // else it is weighed again
	}
	return w
}

// holdoutShare is the share that is in force for a configured one: nothing before it was weighed. While another share runs, the smaller of the two.
func (a *App) holdoutShare(share float64) float64 {
	if w := a.weighed(); w.Runs {
		return min(share, w.Share)
	}
	return 0
}

// followHoldout weighs the configured share where that was not done, or did not let it begin a week ago, and puts in force what came of it.
func (a *App) followHoldout(ctx context.Context) error {
	share, have := a.Config().Holdout.Share, a.weighed()
	if share > 0 && (have.Share != share || !have.Runs && a.o.Now().Sub(have.At) >= weighAgain) {
		w, err := a.weigh(ctx, a.pipe.Setup(), share)
		if err != nil {
			return fmt.Errorf("weigh the holdout: %w", err)
		}
		b, err := json.Marshal(w)
		if err == nil {
			err = a.db.SetSetting(holdoutKey, b)
		}
		if err != nil {
			return err
		}
		if w.Runs {
			a.log.Info("the holdout begins: a share of those newly scored is written nothing", "share", share, "why", w.Why)
		} else {
			a.log.Warn("the holdout does not begin, and everybody is written", "share", share, "why", w.Why)
		}
	}
	a.mu.Lock()
	if s := *a.made.setup; s.Holdout != a.holdoutShare(a.cfg.Holdout.Share) {
		s.Holdout = a.holdoutShare(a.cfg.Holdout.Share)
		made := *a.made // whoever looks at the one before goes on with it
		made.setup = &s
		a.made = &made
		a.pipe.Swap(&s)
	}
	a.mu.Unlock()
	n, err := intake.LetGo(ctx, a.pipe)
	if n > 0 {
		a.log.Info("people are held out no more and are written as the backfill goes on", "people", n)
	}
	return err
}

// weigh says whether a share of the people can show what a score brings: by how many are first scored in a month, and how many people of deals that
// were won in the last year are among those who are scored. It reads closed deals, and keeps nothing.
func (a *App) weigh(ctx context.Context, setup *pipeline.Setup, share float64) (proof.Weighed, error) {
	now := a.o.Now()
	days := map[int64]int{} // when people were first shown
	begin := now
	for after, more := state.PersonID(0), true; more; {
		if err := ctx.Err(); err != nil {
			return proof.Weighed{}, err
		}
		first, last, err := a.db.FirstShown(after, 1000)
		if err != nil {
			return proof.Weighed{}, err
		}
		for _, at := range first {
			days[at.Unix()/86400]++
			if at.Before(begin) {
				begin = at
			}
		}
		after, more = last, last > 0
	}
	from := begin.Add(settled)
	if ready := from.Add(leastNew); now.Before(ready) {
		return proof.Weighed{At: now, Share: share, Why: fmt.Sprintf("how many people a month are first scored is known from %s on", ready.UTC().Format("2 Jan 2006"))}, nil
	}
	if now.Sub(from) > mostNew {
		from = now.Add(-mostNew)
	}
	news := 0
	for day, n := range days {
		if day > from.Unix()/86400 {
			news += n
		}
	}
	won, err := a.scoredAndWon(ctx, setup, now)
	if err != nil {
		return proof.Weighed{}, err
	}
	return proof.Weigh(share, float64(news)*float64(month)/float64(now.Sub(from)), float64(won)*float64(month)/float64(wonSpan), now), nil
}

// scoredAndWon counts the people on deals of the last year that were won who have a score.
func (a *App) scoredAndWon(ctx context.Context, setup *pipeline.Setup, now time.Time) (int, error) {
	people := map[state.PersonID]bool{}
	for i := range setup.CRMs {
		reader, ok := setup.CRMs[i].CRM.(connectors.DealReader)
		if !ok {
			continue
		}
		deals, _, err := closedDeals(ctx, reader, now.Add(-wonSpan), now, maxDealsBeside, nil)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", setup.CRMs[i].Name, err)
		}
		for _, d := range deals {
			if !d.Won {
				continue
			}
			for _, ref := range d.Contacts {
				id, err := a.db.Find(state.Lookup{Refs: []connectors.Ref{ref}}, setup.IdentityRules())
				if err != nil {
					return 0, err
				}
				if p, ok, err := a.db.Person(id); err == nil && ok && len(p.Shown) > 0 {
					people[id] = true
				}
			}
		}
	}
	return len(people), nil
}

// examineHoldout is the doctor's word on it; none, where no holdout is configured.
func (a *App) examineHoldout(ctx context.Context, setup *pipeline.Setup, share float64) []Checked {
	if share == 0 {
		return nil
	}
	var found Checked
	w := a.weighed()
	var err error
	if w.Share != share {
		w, err = a.weigh(ctx, setup, share)
	}
	switch {
	case err != nil:
		found = Checked{"holdout", "holdout.unknown", connectors.Warning, "everybody is written: whether the holdout can show anything could not be weighed: " + err.Error(), "mend what the error says"}
	case w.Runs:
		found = Checked{"holdout", "holdout.runs", connectors.OK, w.Why, ""}
	default:
		found = Checked{"holdout", "holdout.refused", connectors.Warning, "it does not begin, and everybody is written: " + w.Why, "wait, set holdout.share as it says, or to 0"}
	}
	return []Checked{found}
}
