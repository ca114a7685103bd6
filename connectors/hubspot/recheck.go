package hubspot

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

const (
	unchangedFor = 5 * time.Second // a search that found no change of a contact speaks for so long
	recheckPages = 3               // of 200; where more changed, reading the rows themselves is cheaper
)

// recheck returns the rows that may be written. The host knows a swept contact by a page that may be minutes old, and HubSpot has no
// conditional update, so a value that a person set meanwhile would be overwritten. One search finds the contacts that changed since
// the sweep, and those are read again. A row that would overwrite a value set meanwhile is answered with Gone and the state Live:
// the host reads the record again and decides whose the value is.
//
// What the search's index does not know yet, a few moments, stays unseen: as long as passes between a read and its write anyway.
func (w *writing) recheck(ctx context.Context, rows []row) ([]row, error) {
	s := w.c.sweepCache
	select {
	case s.rechecking <- struct{}{}:
		defer func() { <-s.rechecking }()
	case <-ctx.Done():
		e := w.c.http.Err(connectors.Transient, w.Op, "", "")
		e.Err = ctx.Err()
		return nil, e
	}
	if oldest, lowest, any := s.toSearch(rows); any {
		if err := w.c.searchChanges(ctx, oldest, lowest); connectors.Stops(err) || connectors.Interrupted(err) {
			return nil, err
		}
	}
	changed := s.toRead(rows)
	if len(changed) == 0 {
		return rows, nil
	}
	ids := make([]string, 0, len(changed))
	for id := range changed {
		ids = append(ids, id)
	}
	now, err := w.c.readBatches(ctx, w.Op, ids, false)
	if err != nil {
		return nil, err
	}
	s.forget(maps.Keys(now))
	kept := rows[:0]
	for _, r := range rows {
		was, asked := changed[r.id]
		is, live := now[r.id]
		if asked && live && w.overwrites(r, was.ours, is.Ours) {
			e := w.c.http.Err(connectors.Gone, w.Op, "CHANGED", "somebody changed intentd's fields since they were read")
			e.State = connectors.Live
			w.Reject(r.at, e)
			continue
		}
		kept = append(kept, r) // the write itself finds a record that is not live any more
	}
	return kept, nil
}

// overwrites says whether r would replace a value that was not there when the record was read.
func (w *writing) overwrites(r row, was, is map[string]string) bool {
	for property, v := range r.props {
		f := w.c.schema.Roles[property].Own
		if now := is[f.Name]; now != was[f.Name] && now != values.FromWire(f.Type, v) {
			return true
		}
	}
	return false
}

// toSearch returns the time and the id from which on changes of the rows have to be searched; any is false if all are verified.
func (s *sweepCache) toSearch(rows []row) (oldest time.Time, lowest uint64, any bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if now.Sub(s.tooMany) < unchangedFor {
		return oldest, 0, false // those that are asked about are read
	}
	for _, r := range rows {
		id, _ := recordID(r.id)
		l, ok := s.handedOut[id]
		if !ok || l.mayBeChanged || l.verified(now) {
			continue
		}
		if from := l.page.changesFrom(); !any || from.Before(oldest) {
			oldest = from
		}
		if !any || id < lowest {
			lowest = id
		}
		any = true
	}
	return oldest, lowest, any
}

// toRead returns the rows whose contacts have changed or could not be verified, by id.
func (s *sweepCache) toRead(rows []row) map[string]handedOut {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	list := map[string]handedOut{}
	for _, r := range rows {
		id, _ := recordID(r.id)
		if l, ok := s.handedOut[id]; ok && !l.verified(now) {
			list[r.id] = l
		}
	}
	return list
}

// searchChanges notes which contacts from the id lowest on changed since a time. Contacts are written about in the order of their
// ids, so that few of those that intentd itself changed are among them.
func (c *Client) searchChanges(ctx context.Context, since time.Time, lowest uint64) error {
	began := time.Now()
	found := map[uint64]time.Time{}
	for next := lowest; ; {
		s := searchRequest{Properties: []string{"hs_object_id"}, Limit: searchPageSize, After: "0", Sorts: byID,
			FilterGroups: []filterGroup{{[]filter{
				{"lastmodifieddate", "GT", strconv.FormatInt(since.UnixMilli(), 10)},
				{"hs_object_id", "GTE", strconv.FormatUint(next, 10)}}}}}
		r := transport.Post("look for changes since the sweep", c.paths.objects(Contacts, "/search"), transport.Encode(s))
		r.Bucket = searchBucket
		answer, _, err := doPage(ctx, c, r)
		if err != nil {
			return err
		}
		for i := range answer.Results {
			id, _ := recordID(answer.Results[i].ID)
			found[id], _ = parseTime(answer.Results[i].UpdatedAt)
			next = max(next, id+1)
		}
		if answer.After == "" {
			break
		}
		if len(found) >= recheckPages*searchPageSize {
			c.sweepCache.skipSearches(began)
			return nil
		}
	}
	c.sweepCache.compare(found, since, lowest, began)
	return nil
}

// skipSearches notes that so much changes at present that a search cannot tell all of it: for a while, contacts that are asked about are read.
func (s *sweepCache) skipSearches(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tooMany = at
}

// compare takes in a search for all changes since a time to contacts from the id lowest on.
func (s *sweepCache) compare(found map[uint64]time.Time, since time.Time, lowest uint64, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range found {
		s.drop(id)
	}
	for id, l := range s.handedOut {
		if id < lowest || l.page.changesFrom().Before(since) {
			continue
		}
		l.unchangedAt = at
		if modified, told := found[id]; told && !modified.Equal(l.modified) {
			l.mayBeChanged = true
		}
		s.handedOut[id] = l
	}
	for _, p := range s.pages {
		if len(p.ids) > 0 && slices.Min(p.ids) >= lowest && !p.changesFrom().Before(since) {
			p.unchangedAt = at
		}
	}
}
