package config

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/intentd/intentd/connectors"
)

// ParseSchedule reads a cron line of five fields, a descriptor ("@daily", "@every 5m", where a day may be written as 1d) or a
// bare duration. Calendar times are those of loc.
func ParseSchedule(spec string, loc *time.Location) (cron.Schedule, error) {
	spec = strings.TrimSpace(spec)
	if every, ok := strings.CutPrefix(spec, "@every "); ok || durationPart.MatchString(spec) {
		if !ok {
			every = spec
		}
		if d, err := parseDuration(every); err == nil {
			if d < time.Second {
				return nil, fmt.Errorf("%q is less than a second", spec)
			}
			return cron.Every(d), nil
		} else if ok {
			return nil, err
		}
	}
	if strings.HasPrefix(spec, "TZ=") || strings.HasPrefix(spec, "CRON_TZ=") {
		return nil, fmt.Errorf("%s names a time zone: write it as schedule.timezone", connectors.Quoted(spec))
	}
	s, err := cron.ParseStandard(spec)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", connectors.Quoted(spec), err)
	}
	if calendar, ok := s.(*cron.SpecSchedule); ok {
		calendar.Location = loc
		if calendar.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
			return nil, fmt.Errorf("%s never comes", connectors.Quoted(spec))
		}
	}
	return s, nil
}

var durationPart = regexp.MustCompile(`^(\d+(?:\.\d+)?)(w|d|h|ms|m|s)`)

// parseDuration reads "90d", "1w", "1d12h", "30m". A day has 24 hours.
func parseDuration(s string) (time.Duration, error) {
	units := map[string]time.Duration{"w": 7 * day, "d": day, "h": time.Hour, "m": time.Minute, "s": time.Second, "ms": time.Millisecond}
	rest := strings.ReplaceAll(strings.TrimSpace(s), " ", "")
	if rest == "0" {
		return 0, nil
	}
	var total float64
	for first := true; first || rest != ""; first = false {
		m := durationPart.FindStringSubmatch(rest)
		if m == nil {
			return 0, fmt.Errorf("%s is not a duration", connectors.Quoted(s))
		}
		n, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			return 0, fmt.Errorf("%s is not a duration", connectors.Quoted(s))
		}
		total += n * float64(units[m[2]])
		rest = rest[len(m[0]):]
	}
	if total > float64(100*365*day) {
		return 0, fmt.Errorf("%s is longer than 100 years", connectors.Quoted(s))
	}
	return time.Duration(total), nil
}

// ParseMoment reads a time: a duration back from now, a date as it begins in loc, or a moment.
func ParseMoment(text string, now time.Time, loc *time.Location) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	if at, err := time.ParseInLocation(time.DateOnly, text, loc); err == nil {
		return at, nil
	}
	back, err := parseDuration(text)
	if err != nil {
		return time.Time{}, errors.New("write a duration, such as 7d, a date, such as 2026-11-28, or a moment, such as 2026-11-28T09:00:00Z")
	}
	return now.Add(-back), nil
}
