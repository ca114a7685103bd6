package hubspot

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// Read returns one contact per ref, in order. Live ones cost one request per 100, and none for those that a sweep told within the last
// minutes (see sweepCache). What a batch leaves out is looked for among
// the archived, and then alone, because only a single read follows a merged id.
func (c *Client) Read(ctx context.Context, refs []connectors.Ref) ([]connectors.Contact, error) {
	return c.read(ctx, refs, false)
}

// read is Read. For a poll nothing comes from a sweep's page, and what was handed out of one stays to be looked after: the host does not
// decide anew about what is on its way to be written.
func (c *Client) read(ctx context.Context, refs []connectors.Ref, poll bool) ([]connectors.Contact, error) {
	op := fmt.Sprintf("read %d contacts", len(refs))
	ids, err := c.numericIDs(op, refs)
	if err != nil {
		return nil, err
	}
	found := map[string]connectors.Contact{}
	if !poll {
		found = c.fromSweep(ids)
	}
	asked := without(ids, found)
	live, err := c.readBatches(ctx, op, asked, false)
	if err != nil {
		return nil, err
	}
	maps.Copy(found, live)
	if missing := without(ids, found); len(missing) > 0 {
		archived, err := c.readBatches(ctx, op, missing, true)
		if err != nil {
			return nil, err
		}
		for id, r := range archived {
			if r.State == connectors.Live {
				r.State = connectors.Archived
			}
			found[id] = r
		}
		if err := c.readSingly(ctx, without(missing, found), found); err != nil {
			return nil, err
		}
	}
	if !poll {
		c.sweepCache.forget(slices.Values(asked))
	}
	out := make([]connectors.Contact, len(refs))
	for i, ref := range refs {
		k, ok := found[ref.ID]
		if !ok {
			k.State = connectors.Deleted // an id that is no number was never one of HubSpot's
		}
		k.Ref = ref
		out[i] = k
	}
	return out, nil
}

// fromSweep are the contacts that a sweep told within the last minutes and nobody asked for since.
func (c *Client) fromSweep(ids []string) map[string]connectors.Contact {
	found := map[string]connectors.Contact{}
	for _, id := range ids {
		n, _ := recordID(id)
		k, ok := c.sweepCache.handOut(n, func(packed string) connectors.Contact { return c.unpack(id, packed) })
		if ok {
			c.idle.note(&k, c.o.Now())
			found[id] = k
		}
	}
	return found
}

func without(ids []string, found map[string]connectors.Contact) []string {
	var left []string
	for _, id := range ids {
		if _, ok := found[id]; !ok {
			left = append(left, id)
		}
	}
	return left
}

// readBatches reads ids in batches; those that HubSpot leaves out are left out.
func (c *Client) readBatches(ctx context.Context, op string, ids []string, archived bool) (map[string]connectors.Contact, error) {
	batches := chunks(ids, batchSize)
	answers := make([]*page, len(batches))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(c.o.ReadConcurrency)
	for i, batch := range batches {
		g.Go(func() error {
			var err error
			answers[i], err = c.readBatch(gctx, op, batchRead{Properties: c.schema.read, History: []string{}, Inputs: idInputs(batch)}, archived)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	found := make(map[string]connectors.Contact, len(ids))
	for i, answer := range answers {
		asked := make(map[string]bool, len(batches[i]))
		for _, id := range batches[i] {
			asked[id] = true
		}
		for j := range answer.Results {
			r := &answer.Results[j]
			if asked[r.ID] {
				k := c.contact(r)
				c.idle.note(&k, c.o.Now())
				found[r.ID] = k
				continue
			}
			// The survivor of a merge in place of the id that was asked for.
			for _, old := range c.mergedIDsOf(r) {
				if asked[old] {
					found[old] = c.mergedInto(r.ID)
				}
			}
		}
	}
	return found, nil
}

func (c *Client) mergedInto(id string) connectors.Contact {
	return connectors.Contact{State: connectors.Merged, Into: c.ref(id)}
}

func (c *Client) readBatch(ctx context.Context, op string, body batchRead, archived bool) (*page, error) {
	r := transport.Post(op, c.paths.objects(Contacts, "/batch/read"), transport.Encode(body))
	if archived {
		r.Query = url.Values{"archived": {"true"}}
	}
	r.Answers = []int{http.StatusNotFound} // nothing of the batch exists
	answer, resp, err := doPage(ctx, c, r)
	if err != nil {
		return nil, c.becauseOfOne(ctx, body, r.Query, resp, err)
	}
	if resp.Status == http.StatusNotFound {
		if !parseFailure(resp.Body).has(codeNotFound) {
			return nil, c.notFound(op)
		}
		return &page{}, nil
	}
	return answer, nil
}

// becauseOfOne is err, as a refusal of the call if HubSpot fails over some of its records only: the host then asks in halves.
func (c *Client) becauseOfOne(ctx context.Context, body batchRead, query url.Values, resp *transport.Response, err error) error {
	if len(body.Inputs) < 2 || !mayBeOnes(resp) {
		return err
	}
	all := body.Inputs
	for _, half := range [][]idOnly{all[:len(all)/2], all[len(all)/2:]} {
		body.Inputs = half
		r := transport.Post("find out whether one record is the cause", c.paths.objects(Contacts, "/batch/read"), transport.Encode(body))
		r.Query, r.Idempotent, r.Answers = query, false, []int{http.StatusNotFound}
		if _, _, failed := doPage(ctx, c, r); failed == nil {
			e := *err.(*connectors.Error)
			e.Kind, e.Passing = connectors.Rejected, true
			return &e
		}
	}
	return err
}

// notFound is a 404 that is not about a record.
func (c *Client) notFound(op string) error {
	e := c.err(connectors.Config, op, "HubSpot has no such address")
	e.Fix = "check base_url and api_version"
	return e
}

// readSingly asks for ids one by one and puts what became of them into found.
func (c *Client) readSingly(ctx context.Context, ids []string, found map[string]connectors.Contact) error {
	type answer struct {
		ID string `json:"id"`
	}
	results := make([]connectors.Contact, len(ids))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(2 * c.o.ReadConcurrency)
	for i, id := range ids {
		g.Go(func() error {
			r := transport.Get("read contact "+id, c.paths.object(Contacts, id))
			r.Query = url.Values{"properties": {"hs_object_id"}}
			r.Answers = []int{http.StatusNotFound}
			v, resp, err := transport.Do[answer](gctx, c.http, r)
			switch {
			case err != nil:
				return err
			case resp.Status == http.StatusNotFound && !parseFailure(resp.Body).has(codeNotFound):
				return c.notFound(r.Op)
			case resp.Status == http.StatusNotFound:
				results[i] = connectors.Contact{State: connectors.Erased}
			case v.ID == "":
				return c.err(connectors.Transient, r.Op, "the answer names no record")
			case v.ID != id:
				results[i] = c.mergedInto(v.ID)
			default:
				// It came to life between the batch and now: restored from the bin.
				back, err := c.readBatches(gctx, r.Op, []string{id}, false)
				if err != nil {
					return err
				}
				r, ok := back[id]
				if !ok {
					return c.err(connectors.Transient, "read contact "+id, "HubSpot answers differently each time")
				}
				results[i] = r
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i, id := range ids {
		found[id] = results[i]
	}
	return nil
}
