package warehouse

import (
	"errors"
	"fmt"
	"time"

	"github.com/intentd/intentd/connectors"
)

// allowance is what a source may still use today, kept over restarts: bytes read, or credits in millionths. A day is one of UTC, as the vendors
// bill it.
type allowance struct {
	ledger connectors.Ledger
	name   string // in the ledger
	key    string // of the configuration
	daily  int64
	amount func(int64) string
	now    func() time.Time
}

// newAllowance is that of a source by the key daily_UNIT.
func newAllowance(h connectors.Host, unit string, daily int64, amount func(int64) string) allowance {
	return allowance{h.Ledger, h.Name + " " + unit, "daily_" + unit, daily, amount, clock(h)}
}

// errTooDear is a query that uses more than a whole day allows.
var errTooDear = errors.New("more than a day allows")

func (a allowance) day() string { return a.now().UTC().Format("2006-01-02") }

// room says how much of the day is left for what needs at least n; 0 without a bound. What the day does not leave waits for the next one;
// what no day leaves is for the admin to decide.
func (a allowance) room(op string, n int64, needs, fix string) (left int64, err error) {
	if a.daily <= 0 || a.ledger == nil {
		return 0, nil
	}
	left = a.daily - a.ledger.DailyCalls(a.name, a.day())
	switch {
	case n > a.daily:
		return 0, &connectors.Error{Kind: connectors.Config, Op: op, Err: errTooDear, Fix: "set " + a.key + " higher, or " + fix,
			Message: fmt.Sprintf("%s%s, %s allows %s", needs, a.amount(n), a.key, a.amount(a.daily))}
	case n > left:
		e := connectors.Errorf(connectors.Quota, op, "%s%s, and %s leaves %s of today's %s", needs, a.amount(n), a.key, a.amount(max(left, 0)), a.amount(a.daily))
		today := a.now().UTC()
		e.Until = time.Date(today.Year(), today.Month(), today.Day()+1, 0, 0, 0, 0, time.UTC)
		return 0, e
	}
	return left, nil
}

// book counts what was used.
func (a allowance) book(n int64) {
	if a.ledger != nil {
		a.ledger.AddCalls(a.name, a.day(), n)
	}
}

// used is how much of the day was used, in words; "" without a bound.
func (a allowance) used() string {
	if a.daily <= 0 || a.ledger == nil {
		return ""
	}
	return a.amount(a.ledger.DailyCalls(a.name, a.day())) + " of " + a.amount(a.daily)
}

// inBytes writes an amount of data as vendors bill it, by thousands.
func inBytes(n int64) string {
	switch f := float64(n); {
	case f >= 1e12:
		return fmt.Sprintf("%.1f TB", f/1e12)
	case f >= 1e9:
		return fmt.Sprintf("%.1f GB", f/1e9)
	case f >= 1e6:
		return fmt.Sprintf("%.0f MB", f/1e6)
	}
	return fmt.Sprintf("%d kB", (n+999)/1000)
}

// inCredits writes an amount of credits, given in millionths.
func inCredits(n int64) string { return fmt.Sprintf("%.2f credits", float64(n)/1e6) }
