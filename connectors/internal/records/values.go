package records

import (
	"strconv"
	"strings"
	"time"
)

// Consent maps what trackers write to "", "granted" or "denied". What is not plainly a yes is a no.
func Consent(s string) string {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "":
		return ""
	case "granted", "true", "yes", "1":
		return "granted"
	}
	return "denied"
}

// Times of events lie in this century: others are mistakes of the writer.
var (
	Earliest = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	Latest   = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
)

// layouts are tried in order. A time without a zone is UTC.
var layouts = [...]string{
	time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999Z0700",
	"2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999Z07", "2006-01-02 15:04:05.999999999Z07",
	"2006-01-02 15:04:05.999999999Z0700", "2006-01-02 15:04:05.999999999 Z0700", "2006-01-02 15:04:05.999999999 Z07:00", "2006-01-02T15:04Z07:00", "2006-01-02T15:04Z0700",
	"2006-01-02 15:04Z07:00", "2006-01-02T15:04", "2006-01-02 15:04", "2006/01/02 15:04:05.999999999",
	time.RFC1123, time.RFC1123Z, "Mon, 2 Jan 2006 15:04:05 MST", "Mon, 2 Jan 2006 15:04:05 -0700", "2 Jan 2006 15:04:05 MST", "02/Jan/2006:15:04:05 -0700",
}

// ParseTime reads a time in one of the layouts or as a Unix time. A zone's name is taken only where it means UTC: other abbreviations
// do not say which zone they mean.
func ParseTime(s string) (time.Time, bool) {
	s = strings.TrimSpace(s)
	if len(s) > 10 && s[10] == 'T' { // as nearly all are
		if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
			return t.UTC(), !t.Before(Earliest) && t.Before(Latest)
		}
	}
	var t time.Time
	ok := false
	if digits(s) {
		t, ok = parseUnix(s)
	} else if before, named := cutUTC(s); named && before[0] >= '0' && before[0] <= '9' && strings.Count(before, "-") == 2 {
		s = before
	}
	for i := 0; !ok && i < len(layouts); i++ {
		var err error
		t, err = time.Parse(layouts[i], s)
		if ok = err == nil; ok && strings.HasSuffix(layouts[i], "MST") {
			ok = t.Location() == time.UTC || t.Location().String() == "GMT"
		}
	}
	return t.UTC(), ok && !t.Before(Earliest) && t.Before(Latest)
}

// digits says whether s is a number rather than a date.
func digits(s string) bool {
	return s != "" && !strings.ContainsAny(s, ":/") && strings.Count(s, "-") < 2
}

func cutUTC(s string) (string, bool) {
	for _, zone := range [...]string{" UTC", " GMT"} {
		if before, ok := strings.CutSuffix(s, zone); ok && before != "" {
			return before, true
		}
	}
	return s, false
}

// parseUnix reads a count since the epoch in the unit that its magnitude tells: from 1e11 on milliseconds (3 March 1973),
// from 1e14 microseconds, from 1e17 nanoseconds.
func parseUnix(s string) (time.Time, bool) {
	whole, fraction, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || strings.ContainsAny(fraction, "eE") {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || !(f > 0 && f < 1e18) {
			return time.Time{}, false
		}
		n, fraction = int64(f), ""
	}
	switch {
	case n < 0:
		return time.Time{}, false
	case n >= 1e17:
		return time.Unix(0, n), true
	case n >= 1e14:
		return time.UnixMicro(n), true
	}
	// Three digits of a fraction are kept, whichever the unit.
	milli := int64(0)
	for i := range 3 {
		milli *= 10
		if i < len(fraction) {
			c := fraction[i]
			if c < '0' || c > '9' {
				return time.Time{}, false
			}
			milli += int64(c - '0')
		}
	}
	if n >= 1e11 {
		return time.UnixMilli(n).Add(time.Duration(milli) * time.Microsecond), true
	}
	return time.Unix(n, milli*1e6), true
}
