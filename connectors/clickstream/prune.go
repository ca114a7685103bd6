package clickstream

import (
	"context"
	"time"
)

// Prune does what retention asks for at now, even if nothing new came in: call it daily with a clock that is known to be
// right. Then it erases what visitors did who withdrew their consent, old proposals and the people of whom no event is left. It returns how many partitions and people went.
func (s *Store) Prune(ctx context.Context, now time.Time) (partitions, people int, err error) {
	if s.o.Retention > 0 {
		s.upkeep.Lock()
		partitions, err = s.dropBefore(now.UnixMicro() - s.o.Retention.Microseconds())
		s.upkeep.Unlock()
		if err != nil {
			return partitions, 0, s.fail("drop old partitions", err)
		}
	}
	if err := s.eraseWithdrawn(ctx); err != nil {
		return partitions, 0, s.fail("erase what visitors did who withdrew their consent", err)
	}
	if err := s.dropOldProposals(now.Add(-proposalKept).Unix()); err != nil {
		return partitions, 0, s.fail("drop old proposals", err)
	}
	people, err = s.sweep(ctx)
	if err != nil {
		return partitions, people, s.fail("remove people without events", err)
	}
	return partitions, people, nil
}
