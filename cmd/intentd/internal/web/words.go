package web

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"
)

// tongue says everything in one language. What the daemon says in its own words (errors, findings, fixes) stays as it is.
type tongue struct {
	lang string
	zone func() *time.Location
}

func (t *tongue) funcs() template.FuncMap {
	return template.FuncMap{
		"lang": func() string { return t.lang }, "say": t.say, "word": t.word, "n": t.n, "tenths": t.tenths, "usd": t.usd, "day": t.day, "moment": t.moment,
		"iso": func(at time.Time) string { return at.UTC().Format(time.RFC3339) }, "ago": t.ago, "unix": func(s int64) time.Time { return time.Unix(s, 0) },
		"percent": t.percent, "decimal": func(v float64) string { return t.decimal(strconv.FormatFloat(v, 'f', 1, 64)) }, "points": func(tenths int) string { return strconv.FormatFloat(float64(tenths)/10, 'f', -1, 64) }, "clock": func(at time.Time) string { return at.In(t.zone()).Format("15:04") },
	}
}

// say is a sentence, with what goes into it. A key that is missing shows: a test looks for it.
func (t *tongue) say(key string, args ...any) string {
	both, ok := sentences[key]
	if !ok {
		return "⟦" + key + "⟧"
	}
	text := both[tongues[t.lang]]
	for i, a := range args {
		switch v := a.(type) {
		case int:
			args[i] = t.n(v)
		case int64:
			args[i] = t.n(v)
		}
	}
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// word is the word for one of the pipeline's own names; a name without one is shown as it is.
func (t *tongue) word(of string, name any) string {
	text := fmt.Sprint(name)
	if both, ok := sentences[of+"."+text]; ok {
		return both[tongues[t.lang]]
	}
	return strings.ReplaceAll(text, "_", " ")
}

// n is a whole number, its thousands apart.
func (t *tongue) n(v any) string {
	digits := fmt.Sprint(v)
	sign := ""
	if rest, neg := strings.CutPrefix(digits, "-"); neg {
		sign, digits = "−", rest
	}
	apart := ","
	if t.lang == "de" {
		apart = "."
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + apart + digits[i:]
	}
	return sign + digits
}

func (t *tongue) decimal(text string) string {
	text = strings.Replace(text, "-", "−", 1)
	if t.lang == "de" {
		text = strings.Replace(text, ".", ",", 1)
	}
	return text
}

// tenths is a score: 846 is 84.6.
func (t *tongue) tenths(v int) string {
	return t.decimal(strconv.FormatFloat(float64(v)/10, 'f', 1, 64))
}

func (t *tongue) usd(v float64) string {
	return "USD\u00a0" + t.decimal(strconv.FormatFloat(v, 'f', 2, 64))
}

// percent is part of whole, with one decimal.
func (t *tongue) percent(part, whole int) string {
	return t.decimal(strconv.FormatFloat(100*float64(part)/float64(max(whole, 1)), 'f', 1, 64)) + "\u00a0%"
}

var months = [...]string{"Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.", "Dez."}

func (t *tongue) day(at time.Time) string {
	at = at.In(t.zone())
	if t.lang == "de" {
		return fmt.Sprintf("%d. %s %d", at.Day(), months[at.Month()-1], at.Year())
	}
	return at.Format("2 Jan 2006")
}

func (t *tongue) moment(at time.Time) string {
	return t.day(at) + ", " + at.In(t.zone()).Format("15:04 MST")
}

// ago is how long before now something was.
func (t *tongue) ago(now, at time.Time) string {
	d := max(0, now.Sub(at))
	switch {
	case d < time.Minute:
		return t.say("ago.s", int(d.Seconds()))
	case d < time.Hour:
		return t.say("ago.min", int(d.Minutes()))
	case d < 48*time.Hour:
		return t.say("ago.h", int(d.Hours()))
	}
	return t.say("ago.d", int(d.Hours()/24))
}

// tongues are the languages of text.language, as their places in sentences.
var tongues = map[string]int{"en": 0, "de": 1}
