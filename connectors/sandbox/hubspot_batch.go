package sandbox

import (
	"net/http"
	"strconv"
	"strings"
)

// batchSize checks the number of inputs.
func (h *HubSpot) batchSize(n, most int) (reply, bool) {
	if n == 0 {
		return h.invalid("Invalid input JSON on line 1, column 1: Cannot build BatchInput, some of required attributes are not set [inputs]"), false
	}
	if n > most {
		return h.invalid("The maximum number of inputs supported in a batch request is %d, but %d were sent", most, n), false
	}
	return reply{}, true
}

// batchRun is the answer to a batch call while it is being written.
type batchRun struct {
	h      *HubSpot
	c      call
	body   []byte
	count  int
	errors []byte
	failed int
}

func (h *HubSpot) batch(c call, size int) *batchRun {
	return &batchRun{h: h, c: c, body: append(make([]byte, 0, size+256), `{"status":"COMPLETE","results":[`...)}
}

// next is the body, ready for one more result.
func (r *batchRun) next() []byte {
	r.count++
	if r.count > 1 {
		r.body = append(r.body, ',')
	}
	return r.body
}

// fail adds an entry to errors.
func (r *batchRun) fail(category, sub, message string, context []contextValue, details []detail) {
	r.failed++
	b := r.errors
	if len(b) > 0 {
		b = append(b, ',')
	}
	b = appendQuoted(append(b, `{"status":"error","category":`...), category)
	if sub != "" {
		b = appendQuoted(append(b, `,"subCategory":`...), sub)
	}
	b = appendQuoted(append(b, `,"message":`...), message)
	b = appendContext(append(b, `,"context":`...), context)
	if len(details) > 0 {
		b = append(b, `,"errors":[`...)
		for i, d := range details {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendQuoted(append(b, `{"message":`...), d.message)
			b = appendQuoted(append(b, `,"code":`...), d.code)
			b = append(appendContext(append(b, `,"context":`...), d.context), '}')
		}
		b = append(b, ']')
	}
	r.errors = append(b, '}')
}

// missing adds the one entry that all ids not found share.
func (r *batchRun) missing(t *objects, ids []string) {
	if len(ids) == 0 {
		return
	}
	message := "Could not get some " + strings.ToUpper(t.singular) + " objects, they may be deleted or not exist. Check that ids are valid."
	r.fail("OBJECT_NOT_FOUND", "", message, []contextValue{{"ids", ids}}, nil)
}

// reply closes the answer: with the given status if nothing failed, otherwise 207, which 2026-09 may fold into 200.
func (r *batchRun) reply(status int) reply {
	b := append(r.body, ']')
	if r.failed > 0 {
		b = strconv.AppendInt(append(b, `,"numErrors":`...), int64(r.failed), 10)
		b = append(append(append(b, `,"errors":[`...), r.errors...), ']')
		status = http.StatusMultiStatus
		if r.h.o.FoldErrors && r.c.dated == "2026-09" {
			status = http.StatusOK
		}
	}
	now := r.c.now.UnixMilli()
	b = appendInstant(append(b, `,"startedAt":"`...), now)
	b = appendInstant(append(b, `","completedAt":"`...), now)
	return reply{status: status, body: append(b, `"}`...)}
}
