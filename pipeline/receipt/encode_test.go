package receipt

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/intentd/intentd/pipeline/score"
)

// fill gives every exported field below v a value of its own, so that a field that is not stored is missed.
func fill(v reflect.Value, n *int) {
	*n++
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(now.Add(time.Duration(*n)*time.Hour + time.Duration(*n))))
		return
	case v.Type() == reflect.TypeFor[score.Settings]() || v.Type() == reflect.TypeFor[score.Features]():
		return // stored apart
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i), n)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 3 {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(key, n)
			fill(value, n)
			v.SetMapIndex(key, value)
		}
	case reflect.String:
		v.SetString(fmt.Sprintf("text %d", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8:
		v.SetUint(uint64(*n % 251))
	case reflect.Uint64:
		v.SetUint(1<<60 + uint64(*n))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float64(*n))
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(-*n))
	default:
		panic("no value for a " + v.Type().String())
	}
}

// What is stored is what was: every field, whatever a later hand adds to a receipt.
func TestStoredFormHoldsEveryField(t *testing.T) {
	all := new(Receipt)
	n := 0
	fill(reflect.ValueOf(all).Elem(), &n)
	all.Features = dataflow().Features
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	zoned := dataflow()
	zoned.Forecast.CoolsOn = time.Date(2026, 12, 5, 0, 0, 0, 0, berlin)
	empty := &Receipt{Signals: []SignalLine{}, Topics: []TopicLine{}, Written: map[string]string{}, Stale: []string{}}
	for _, r := range []*Receipt{all, dataflow(), marked(), zoned, empty, {}} {
		b := r.Append([]byte("before"), 77, r.Features.Append(nil))
		got, settings, err := Decode(bytes.TrimPrefix(b, []byte("before")))
		if err != nil || settings != 77 {
			t.Fatal(settings, err)
		}
		// Features come back as package score stores them, and a zone as its offset.
		want := *r
		if want.Features, err = score.DecodeFeatures(r.Features.Append(nil)); err != nil {
			t.Fatal(err)
		}
		want.Settings, want.Previous.Raised, want.Links, want.Proposals, want.HeldOut, want.Probability = score.Settings{}, 0, nil, nil, time.Time{}, 0 // those are of the moment they are asked for
		if got.Forecast.CoolsOn.Equal(want.Forecast.CoolsOn) && got.Forecast.CoolsOn.Format(time.RFC3339) == want.Forecast.CoolsOn.Format(time.RFC3339) {
			got.Forecast.CoolsOn = want.Forecast.CoolsOn
		}
		if !reflect.DeepEqual(got, &want) {
			t.Errorf("stored\n%+v\nread\n%+v", want, *got)
		}
	}
}

// The same receipt gives the same bytes, also when many are written at once.
func TestStoredFormIsTheSameEachTime(t *testing.T) {
	r := dataflow()
	want := r.Append(nil, 1, r.Features.Append(nil))
	t.Run("", func(t *testing.T) {
		for range 4 {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				for range 50 {
					if got := r.Append(nil, 1, r.Features.Append(nil)); !bytes.Equal(got, want) {
						t.Fatal("other bytes for the same receipt")
					}
				}
			})
		}
	})
}

func TestStoredFormRefusesWhatIsCutOrNewer(t *testing.T) {
	r := dataflow()
	b := r.Append(nil, 1, r.Features.Append(nil))
	for n := range b {
		if _, _, err := Decode(b[:n]); err == nil {
			t.Fatalf("%d of %d bytes were read as a receipt", n, len(b))
		}
	}
	if _, _, err := Decode(append(bytes.Clone(b), 0)); err == nil {
		t.Error("a tail was read over")
	}
	b[0]++
	if _, _, err := Decode(b); err == nil {
		t.Error("a later version was read")
	}
}

func FuzzDecode(f *testing.F) {
	for _, r := range []*Receipt{dataflow(), marked(), {}} {
		f.Add(r.Append(nil, 1, r.Features.Append(nil)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, settings, err := Decode(b)
		if err != nil {
			return
		}
		again, _, err := Decode(r.Append(nil, settings, r.Features.Append(nil)))
		if err != nil || again.Person != r.Person || len(again.Signals) != len(r.Signals) {
			t.Fatal("what was read does not survive being stored", err)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	r := dataflow()
	features := r.Features.Append(nil)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = r.Append(buf[:0], 1, features)
	}
	b.ReportMetric(float64(len(buf)), "B")
}
