package warehouse

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// What a Snowflake warehouse costs is the time for which it is awake. Only Snowflake knows it, hours later; it is estimated by what intentd asked
// for. Others who keep the same warehouse awake share it, so that the bill is no more than this.

// size is how much a warehouse costs and how soon it sleeps.
type size struct {
	name    string // "X-Small"; "": not to be seen
	credits int64  // an hour
	sleeps  int64  // seconds without work until it is suspended; 0: never
}

// sizes are the credits an hour of standard warehouses of the first generation.
var sizes = map[string]int64{
	"xsmall": 1, "small": 2, "medium": 4, "large": 8, "xlarge": 16, "2xlarge": 32, "xxlarge": 32, "3xlarge": 64, "xxxlarge": 64, "4xlarge": 128,
	"x4large": 128, "5xlarge": 256, "x5large": 256, "6xlarge": 512, "x6large": 512,
}

// shortest is how long a warehouse that wakes is paid for at least.
const shortest = 60 // seconds

// cost of so many seconds awake, in millionths of a credit.
func (z size) cost(seconds float64) int64 { return int64(float64(z.credits) * seconds / 3600 * 1e6) }

// least is what waking it costs.
func (z size) least() int64 { return z.cost(float64(max(shortest, z.sleeps))) }

// seconds that an amount, in millionths of a credit, keeps it awake.
func (z size) seconds(amount int64) int64 { return amount * 3600 / 1e6 / max(z.credits, 1) }

// awake follows how long intentd keeps a warehouse awake.
type awake struct {
	mu    sync.Mutex
	size  *size
	until time.Time // asleep from then on, as far as we know
}

// run notes a query, and says for how many more seconds the warehouse is awake because of it.
func (w *awake) run(z size, from, to time.Time) float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	end := to.Add(time.Duration(z.sleeps) * time.Second)
	begin := from
	if w.until.After(from) {
		begin = w.until
	} else if least := from.Add(shortest * time.Second); end.Before(least) {
		end = least
	}
	if !end.After(begin) {
		return 0
	}
	w.until = end
	return end.Sub(begin).Seconds()
}

// warehouse is what the configured warehouse costs, asked once: SHOW wakes none. One that cannot be seen counts as the smallest.
func (s *snowflake) warehouse(ctx context.Context, op string) (size, error) {
	s.running.mu.Lock()
	known := s.running.size
	s.running.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	z := size{credits: 1, sleeps: shortest}
	// LIKE takes _ and % for any letters: rows are compared below.
	q := s.ask("SHOW WAREHOUSES LIKE '" + strings.NewReplacer("'", "''", `\\`, `\\\\`).Replace(s.o.Warehouse) + "'")
	q.Warehouse = ""
	got, err := s.send(ctx, op, q, rand.Text())
	if err == nil {
		got, err = s.wait(ctx, op, got.Handle)
	}
	if err != nil {
		return z, err
	}
	err = readSnowflake(op, got, got.Data, func(r row) error {
		if strings.EqualFold(r.get("name"), s.o.Warehouse) {
			z.name = r.get("size")
			z.credits = cmp.Or(sizes[strings.ToLower(strings.ReplaceAll(z.name, "-", ""))], 1)
			z.sleeps, _ = strconv.ParseInt(r.get("auto_suspend"), 10, 64)
		}
		return nil
	})
	if err != nil {
		return z, err
	}
	s.running.mu.Lock()
	s.running.size = &z
	s.running.mu.Unlock()
	return z, nil
}

// ran books what a query cost, once its answer is there.
func (s *snowflake) ran(w size, got *snowflakeAnswer) {
	now, _ := s.client.ServerNow()
	from := time.UnixMilli(got.Created)
	if from.After(now) {
		from = now
	}
	if longest := now.Add(-s.o.Timeout); from.Before(longest) { // it waited for us
		from = longest
	}
	s.spent.book(w.cost(s.running.run(w, from, now)))
}

// priced implements keeper.
func (s *snowflake) priced(ctx context.Context, op string, _ *statement, _ *args) (string, []string, error) {
	w, err := s.warehouse(ctx, op)
	return fmt.Sprintf("would keep the warehouse awake: %s at least", inCredits(w.least())), nil, err
}

// daily implements keeper: the query of one pass is run, to see how long it takes.
func (s *snowflake) daily(ctx context.Context, op string, st *statement, r rhythm) (c costs, err error) {
	w, err := s.warehouse(ctx, op)
	if err != nil {
		return c, err
	}
	a := *r.pass
	a.columns = func(names []string) { c.columns = names }
	begun := s.spent.now()
	if err := s.query(ctx, op, st, &a, func(row) error { return nil }); err != nil {
		return c, err
	}
	took := s.spent.now().Sub(begun)
	every := 24 * time.Hour.Seconds() / float64(r.passes)
	pass := min(every, max(shortest, took.Seconds()+float64(w.sleeps)))
	day := w.cost(pass * float64(r.passes))
	said := fmt.Sprintf("the query of one pass took %s; %d passes a day keep %s (%s) awake for %.1f hours: %s a day",
		took.Round(100*time.Millisecond), r.passes, s.o.Warehouse, cmp.Or(w.name, "its size cannot be seen, taken for X-Small"), pass*float64(r.passes)/3600, inCredits(day))
	if w.name != "" && w.sleeps == 0 {
		said += "; it never sleeps by itself (AUTO_SUSPEND), and is paid for all day whatever it is asked"
	}
	if s.spent.daily > 0 {
		said += "; daily_credits allows " + inCredits(s.spent.daily)
	}
	return costs{said: said, over: s.spent.daily > 0 && day > s.spent.daily, columns: c.columns}, nil
}
