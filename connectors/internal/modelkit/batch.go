package modelkit

import (
	"context"
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/intentd/intentd/connectors"
)

// once marks a request that must not be repeated: whether it arrived is found out otherwise.
type once struct{}

// Once has requests under ctx sent at most one time: opening a job again would pay for it again.
func Once(ctx context.Context) context.Context { return context.WithValue(ctx, once{}, true) }

// BatchKey names a prompt of a job at the vendor's. It carries the length of the prompt in tokens, for replies that do not tell it.
func BatchKey(i int, p connectors.Prompt) string {
	return strconv.Itoa(i) + "." + strconv.Itoa(tokens(p))
}

// BatchAnswer reads the reply to a prompt of a job. It is false if the key is none of ours. share is that of the usual price.
func (m *Model) BatchAnswer(op, key string, r Reply, failed *connectors.Error, share float64) (connectors.BatchAnswer, bool) {
	number, length, _ := strings.Cut(key, ".")
	i, err := strconv.Atoi(number)
	in, _ := strconv.Atoi(length)
	if err != nil || i < 0 {
		return connectors.BatchAnswer{}, false
	}
	a := connectors.BatchAnswer{Prompt: i, Completion: connectors.Completion{Model: m.o.Model}}
	if failed != nil {
		a.Err = failed
		return a, true
	}
	if r.Usage.In <= 0 {
		r.Usage.In = max(0, in)
	}
	a.Usage = m.usage(r, connectors.Prompt{})
	a.Usage.MicroUSD = int64(math.Ceil(share * float64(a.Usage.MicroUSD)))
	var raw json.RawMessage
	var e *connectors.Error
	if raw, e = answer(op, r, connectors.Prompt{}); e != nil {
		a.Err = e
		return a, true
	}
	a.JSON = raw
	return a, true
}

// Refused is the error of a request without a request while the model is stopped; nil while it is not.
func (m *Model) Refused(op string) error { return m.gate.refused(op) }

// Failed remembers what stops the model and passes e on.
func (m *Model) Failed(e *connectors.Error) error { return m.gate.failed(e) }
