package memo

import (
	"strconv"
	"sync"
	"testing"
)

func TestMemoForgetsWhatIsNotAskedFor(t *testing.T) {
	m := Memo[int, int]{Size: 100}
	for i := range 1000 {
		m.Put(i, i)
		if v, ok := m.Get(0); !ok || v != 0 {
			t.Fatalf("what was asked for all the time was forgotten after %d", i)
		}
		if _, ok := m.Get(i - 50); !ok && i >= 50 {
			t.Fatalf("%d was forgotten after 50 others", i-50)
		}
	}
	if _, ok := m.Get(500); ok {
		t.Error("what nobody asked for was kept")
	}
	if kept := m.kept.Load(); len(kept.now)+len(kept.old)+len(m.fresh) > 233 {
		t.Errorf("it holds %d, %d and %d entries, want at most two times 100 and what was not put together yet", len(kept.now), len(kept.old), len(m.fresh))
	}
}

// A value is what work made of its key, whoever asks at the same time, and it is made once as long as there is room.
func TestMemoOfManyAtOnce(t *testing.T) {
	m := Memo[string, int]{Size: 100}
	var made sync.Map
	ask := func(n int) {
		if got := m.Of(strconv.Itoa(n), func() int { made.Store(n, true); return n }); got != n {
			t.Errorf("%d of %d", got, n)
		}
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 5000 {
				ask(i % 40)
			}
		})
	}
	wg.Wait()
	made.Clear()
	for i := range 40 {
		ask(i)
	}
	made.Range(func(n, _ any) bool { t.Errorf("%d was made again", n); return true })
}
