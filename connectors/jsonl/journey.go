package jsonl

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/intentd/intentd/connectors"
)

// MaxJourney bounds what ReadJourney reads, in bytes.
const MaxJourney = 64 << 20

// ErrNoJourney says that there is nothing in it that could be a journey; its text says what there is instead.
var ErrNoJourney = errors.New("no journey")

// Journey is what ReadJourney made of a text.
type Journey struct {
	Format     string                  `json:"format"`               // "JSON lines", "JSON array", "JSON object with a list" or "CSV"
	Records    int                     `json:"records"`              // objects and lines found, the unreadable ones included
	Unreadable map[string]int          `json:"unreadable,omitempty"` // by reason
	Examples   []connectors.Unreadable `json:"examples,omitempty"`   // of each reason the first few
	Untimed    int                     `json:"untimed,omitempty"`    // steps that had no time and were given one
	Nameless   int                     `json:"nameless,omitempty"`   // steps that named nobody: they are taken for one person's
	Pictures   int                     `json:"pictures,omitempty"`   // steps that name a screenshot
	Events     []connectors.Event      `json:"-"`                    // in the order of the text
}

// OneVisitor is the anonymous id of steps that name nobody.
const OneVisitor = "visitor-1"

// apart is the time between two steps that have none.
const apart = 20 * time.Second

// ReadJourney reads a whole text of any form that a journey comes in: records of trackers, our own JSON lines, or plain steps (step,
// page, action, element, screenshot), as JSON lines, a JSON array, a JSON object with a list in it, or CSV with a header. What the list's object says
// of a person counts for every step. Steps without a time are one visit that ends at now, in the order of their step numbers, else of the
// text; among steps with times they stand right after the one before. The error is r's, or wraps [ErrNoJourney].
func ReadJourney(r io.Reader, now time.Time) (*Journey, error) {
	raw, err := io.ReadAll(io.LimitReader(r, MaxJourney+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > MaxJourney {
		return nil, fmt.Errorf("%w: it is longer than 64 MiB; cut out some people's lines", ErrNoJourney)
	}
	text := plainText(raw)
	if strings.TrimSpace(text) == "" {
		return nil, fmt.Errorf("%w: it is empty; put one JSON object a line in it, or a table with the columns step, page, action, element", ErrNoJourney)
	}
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return nil, fmt.Errorf("%w: it is not text; give JSON or CSV in UTF-8", ErrNoJourney)
	}
	j := &Journey{Unreadable: map[string]int{}}
	t := &journeyReader{j: j}
	switch first := strings.TrimLeft(text, " \t\r\n"); {
	case first[0] == '[' && t.array(text, strings.IndexByte(text, '[')):
		j.Format = "JSON array"
	case first[0] == '{' && t.list(text):
		j.Format = "JSON object with a list"
	case first[0] == '{' || first[0] == '[':
		j.Format = "JSON lines"
		t.lines(text)
	default:
		j.Format = "CSV"
		if err := t.table(text); err != nil {
			return nil, err
		}
	}
	t.date(now)
	return j, nil
}

// plainText is what raw says in UTF-8, without a byte order mark.
func plainText(raw []byte) string {
	wide := func(unit func([]byte) uint16) string {
		var units []uint16
		for b := raw[2:]; len(b) >= 2; b = b[2:] {
			units = append(units, unit(b))
		}
		return string(utf16.Decode(units))
	}
	switch {
	case bytes.HasPrefix(raw, []byte("\xff\xfe")):
		return wide(func(b []byte) uint16 { return uint16(b[0]) | uint16(b[1])<<8 })
	case bytes.HasPrefix(raw, []byte("\xfe\xff")):
		return wide(func(b []byte) uint16 { return uint16(b[1]) | uint16(b[0])<<8 })
	}
	return strings.TrimPrefix(string(raw), "\ufeff")
}

// journeyReader reads the records of one text.
type journeyReader struct {
	j     *Journey
	d     decoder
	who   connectors.Event // what the object around a list says of the person
	order []int            // step numbers of j.Events, −1 without
}

// array reads the objects of a list that begins at an offset; false if the list itself is broken and nothing was read.
func (t *journeyReader) array(text string, at int) bool {
	dec := json.NewDecoder(strings.NewReader(text[at:]))
	if _, err := dec.Token(); err != nil {
		return false
	}
	var items []json.RawMessage
	var lines []int64
	line, counted := int64(1+strings.Count(text[:at], "\n")), 0
	for dec.More() {
		var item json.RawMessage
		if err := dec.Decode(&item); err != nil {
			if len(items) == 0 {
				return false
			}
			line += int64(strings.Count(text[at+counted:at+int(dec.InputOffset())], "\n"))
			t.take(items, lines)
			t.unreadable(line, "the list is broken off here: not JSON")
			return true
		}
		begin := int(dec.InputOffset()) - len(item)
		line += int64(strings.Count(text[at+counted:at+begin], "\n"))
		counted = begin
		items, lines = append(items, item), append(lines, line)
	}
	t.take(items, lines)
	return true
}

func (t *journeyReader) take(items []json.RawMessage, lines []int64) {
	for i, item := range items {
		t.record(string(item), lines[i])
	}
}

// list reads the longest list of objects that stands in the one object that text is; false if text is something else.
func (t *journeyReader) list(text string) bool {
	var whole map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &whole) != nil {
		return false
	}
	var best []json.RawMessage
	for _, key := range slices.Sorted(maps.Keys(whole)) {
		var items []json.RawMessage
		if json.Unmarshal(whole[key], &items) == nil && len(items) > len(best) && bytes.HasPrefix(bytes.TrimSpace(items[0]), []byte("{")) && key != "event_params" {
			best = items
		}
	}
	if best == nil {
		return false
	}
	t.person(whole)
	line, from := int64(1), 0
	for _, item := range best {
		if at := strings.Index(text[from:], string(item)); at >= 0 {
			line += int64(strings.Count(text[from:from+at], "\n"))
			from += at
		}
		t.record(string(item), line)
	}
	return true
}

// person reads what the object around a list says of the person, itself or in an object of its own.
func (t *journeyReader) person(whole map[string]json.RawMessage) {
	for _, key := range slices.Sorted(maps.Keys(whole)) {
		var text string
		var inner map[string]json.RawMessage
		if json.Unmarshal(whole[key], &text) == nil {
			named(&t.who, key, text)
		} else if json.Unmarshal(whole[key], &inner) == nil {
			for k, v := range inner {
				if json.Unmarshal(v, &text) == nil {
					named(&t.who, k, text)
				}
			}
		}
	}
}

// people are the keys of a plain step, as connectors.Fold writes them, that say whose it is.
var people = []string{"user", "person", "visitor", "lead", "contact", "customer", "prospect", "who"}

// named takes a value for what identifies somebody, if its key says so.
func named(e *connectors.Event, key, value string) {
	key = connectors.Fold(key)
	if own := spellings[key]; own != "" {
		key = own
	}
	if slices.Contains(people, key) {
		key = "user_id"
	}
	if strings.Contains(value, "@") && key == "user_id" {
		key = "email"
	}
	switch key {
	case "email", "phone", "user_id", "anonymous_id":
		if field := fieldOf(e, key); *field == "" {
			*field = strings.TrimSpace(value)
		}
	}
}

// lines reads one object after the other; several may share a line, and one may go over several.
func (t *journeyReader) lines(text string) {
	line := int64(0)
	for text != "" {
		line++
		first, rest, _ := strings.Cut(text, "\n")
		body := strings.TrimRight(strings.TrimSpace(first), ",;")
		switch {
		case body == "" || body == "[" || body == "]":
		case len(first) > maxLine:
			t.unreadable(line, reasonTooLong)
		case body[0] == '{' && json.Valid([]byte(body)):
			t.record(body, line)
		case body[0] == '{':
			begin := strings.IndexByte(text, '{')
			dec := json.NewDecoder(strings.NewReader(text[begin:min(len(text), begin+maxLine)]))
			n, read := 0, 0
			for {
				var item json.RawMessage
				if dec.Decode(&item) != nil || item[0] != '{' {
					break
				}
				n++
				t.record(string(item), line)
				if read = int(dec.InputOffset()); strings.ContainsRune(text[begin:begin+read], '\n') || strings.HasPrefix(strings.TrimLeft(text[begin+read:], " \t\r"), "\n") {
					break
				}
			}
			if n == 0 {
				t.unreadable(line, reasonSyntax)
				break
			}
			line += int64(strings.Count(text[:begin+read], "\n"))
			var left string
			left, rest, _ = strings.Cut(text[begin+read:], "\n")
			if strings.Trim(left, " \t\r,;") != "" {
				t.unreadable(line, reasonSyntax)
			}
		default:
			t.unreadable(line, reasonSyntax)
		}
		text = rest
	}
}

// columns are the names, as connectors.Fold writes them, of which a table's header must have one.
var columns = []string{"step", "page", "action", "element", "screenshot", "kind", "time", "url", "email", "user_id", "anonymous_id", "page_title"}

// table reads CSV with a header, by commas, semicolons or tabs.
func (t *journeyReader) table(text string) error {
	head, _, _ := strings.Cut(strings.TrimLeft(text, "\r\n"), "\n")
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord, r.LazyQuotes, r.TrimLeadingSpace = -1, true, true
	for _, comma := range ",;\t" {
		if strings.Count(head, string(comma)) > strings.Count(head, string(r.Comma)) {
			r.Comma = comma
		}
	}
	names, err := r.Read()
	known := slices.ContainsFunc(names, func(name string) bool {
		key := connectors.Fold(name)
		return slices.Contains(columns, key) || slices.Contains(columns, spellings[key])
	})
	if err != nil || !known {
		return fmt.Errorf("%w: line 1 is neither JSON nor the header of a table; begin with { or [, or with columns such as step, page, action, element", ErrNoJourney)
	}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			var broken *csv.ParseError
			line := 0
			if errors.As(err, &broken) {
				line = broken.Line
			}
			t.unreadable(int64(line), "not a row of CSV")
			continue
		}
		line, _ := r.FieldPos(0)
		cells := map[string]string{}
		for i, value := range row {
			if value = strings.TrimSpace(value); i < len(names) && value != "" {
				cells[strings.TrimSpace(names[i])] = value
			}
		}
		if len(cells) == 0 {
			continue
		}
		body, err := json.Marshal(cells)
		if err != nil {
			return err
		}
		t.record(string(body), int64(line))
	}
}

// record reads one object.
func (t *journeyReader) record(text string, line int64) {
	var e connectors.Event
	_, reason := t.d.event(text, &e)
	step := -1
	if n, err := strconv.Atoi(e.Properties["step"]); err == nil {
		step = n
	}
	if reason == reasonSyntax || reason == reasonTime && !blankTime(text) {
		t.unreadable(line, reason)
		return
	}
	if reason != "" || e.URL == "" && e.PageTitle == "" && e.ElementText == "" {
		fromStep(&e)
	}
	if reason != "" {
		if reason = t.complete(&e); reason == "" {
			reason = finishEvent(text, &e)
		}
	}
	if reason != "" {
		t.unreadable(line, reason)
		return
	}
	t.j.Records++
	if e.Screenshot != "" {
		t.j.Pictures++
	}
	if e.ID[0] == 'l' && e.Time.IsZero() { // the same step twice is two steps
		e.ID += "." + strconv.Itoa(len(t.j.Events))
	}
	t.j.Events, t.order = append(t.j.Events, e), append(t.order, step)
}

// blankTime says whether the time of a record is there and empty.
func blankTime(text string) bool {
	var m map[string]any
	if json.Unmarshal([]byte(text), &m) != nil {
		return false
	}
	for k, v := range m {
		if key := connectors.Fold(k); (key == "time" || spellings[key] == "time") && strings.TrimSpace(fmt.Sprint(v)) == "" {
			return true
		}
	}
	return false
}

// fromStep reads the keys of a plain step: page, action and element.
func fromStep(e *connectors.Event) {
	for _, k := range slices.Sorted(maps.Keys(e.Properties)) {
		v := strings.TrimSpace(e.Properties[k])
		switch connectors.Fold(k) {
		case "page", "screen", "page_path", "path":
			if strings.HasPrefix(v, "/") || strings.Contains(v, "://") {
				e.URL = cmp.Or(e.URL, v)
			} else {
				e.PageTitle = cmp.Or(e.PageTitle, v)
			}
		case "element", "button", "target":
			e.ElementText = cmp.Or(e.ElementText, v)
		case "step":
		default:
			continue
		}
		delete(e.Properties, k)
	}
	e.Kind = act(e.Kind)
}

// complete gives a step that lacks a time, a kind or somebody what can be known of it; the time follows when all are read.
func (t *journeyReader) complete(e *connectors.Event) (reason string) {
	for _, k := range slices.Sorted(maps.Keys(e.Properties)) {
		named(e, k, e.Properties[k])
	}
	if e.Kind == "" && (e.URL != "" || e.PageTitle != "") {
		e.Kind = connectors.KindPageView
	}
	e.Email, e.Phone = cmp.Or(e.Email, t.who.Email), cmp.Or(e.Phone, t.who.Phone)
	e.UserID, e.AnonymousID = cmp.Or(e.UserID, t.who.UserID), cmp.Or(e.AnonymousID, t.who.AnonymousID)
	if e.OfNobody() && e.Properties[connectors.PropCompany] == "" {
		e.AnonymousID = OneVisitor
	}
	if e.Kind == "" {
		return reasonNoKind + ", action or page"
	}
	if e.AnonymousID == OneVisitor {
		t.j.Nameless++
	}
	return ""
}

// acts are verbs by which people describe a step, with the kinds they mean.
var acts = map[string]string{
	"click": connectors.KindClick, "tap": connectors.KindClick, "press": connectors.KindClick, "select": connectors.KindClick, "choose": connectors.KindClick,
	"scroll": connectors.KindScroll, "swipe": connectors.KindScroll,
	"view": connectors.KindPageView, "visit": connectors.KindPageView, "see": connectors.KindPageView, "land": connectors.KindPageView, "load": connectors.KindPageView,
	"open": connectors.KindPageView, "read": connectors.KindPageView, "browse": connectors.KindPageView, "navigate": connectors.KindPageView, "go": connectors.KindPageView,
	"submit": connectors.KindFormSubmit, "send": connectors.KindFormSubmit, "fill": connectors.KindFormStart, "type": connectors.KindFormStart, "enter": connectors.KindFormStart,
	"download": connectors.KindDownload, "search": connectors.KindSearch,
}

// act is the kind that a step's action means where it is no kind by itself: "Clicked on it" is a click.
func act(action string) string {
	if kind, known := connectors.EventKind(action); known || action == "" {
		return kind
	}
	verb, _, _ := strings.Cut(connectors.Fold(action), "_")
	for _, ending := range []string{"", "s", "ed", "ing", "d", "led", "ting", "ted", "ped", "ping"} {
		if base, ok := strings.CutSuffix(verb, ending); ok && acts[base] != "" {
			return acts[base]
		}
	}
	return action
}

// unreadable counts a record that cannot be used.
func (t *journeyReader) unreadable(line int64, reason string) {
	t.j.Records++
	t.j.Unreadable[reason]++
	if t.j.Unreadable[reason] <= 3 {
		t.j.Examples = append(t.j.Examples, connectors.Unreadable{Line: line, Reason: reason})
	}
}

// date gives steps without a time one.
func (t *journeyReader) date(now time.Time) {
	events := t.j.Events
	var open []int
	for i := range events {
		if events[i].Time.IsZero() {
			open = append(open, i)
		}
	}
	if t.j.Untimed = len(open); len(open) == 0 {
		return
	}
	if len(open) < len(events) {
		at := slices.MinFunc(events, func(a, b connectors.Event) int {
			if a.Time.IsZero() != b.Time.IsZero() {
				return map[bool]int{true: 1, false: -1}[a.Time.IsZero()]
			}
			return a.Time.Compare(b.Time)
		}).Time.Add(-time.Second)
		for i := range events {
			if events[i].Time.IsZero() {
				events[i].Time = at.Add(time.Second)
			}
			at = events[i].Time
		}
		return
	}
	slices.SortStableFunc(open, func(a, b int) int { return cmp.Compare(t.order[a], t.order[b]) })
	last := now.Truncate(time.Second)
	for k, i := range open {
		events[i].Time = last.Add(-time.Duration(len(open)-1-k) * apart)
	}
}
