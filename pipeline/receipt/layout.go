package receipt

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/intentd/intentd/pipeline/score"
)

// page is a receipt being printed.
type page struct {
	bytes.Buffer
	r     *Receipt
	loc   *time.Location
	width int
}

// title begins a block.
func (p *page) title(name, text string) {
	if p.Len() > 0 {
		p.WriteByte('\n')
	}
	p.wrap(fmt.Sprintf("%-13s", strings.ToUpper(name)), text, 13)
}

// entry is one named line of a block.
func (p *page) entry(name, text string) { p.named(name, 10, text) }

func (p *page) named(name string, width int, text string) {
	p.wrap("  "+Pad(name, width)+" ", text, width+3)
}

// wrap writes text behind head and breaks it at words to the width, indented.
func (p *page) wrap(head, text string, indent int) {
	line := head
	used := utf8.RuneCountInString(head)
	first := true
	for _, word := range strings.Fields(Clean(text)) {
		n := utf8.RuneCountInString(word)
		if !first && used+1+n > p.width {
			p.line("%s", line)
			line, used, first = strings.Repeat(" ", indent), indent, true
		}
		if !first {
			line += " "
			used++
		}
		line += word
		used += n
		first = false
	}
	p.line("%s", line)
}

func (p *page) line(format string, args ...any) {
	p.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " "))
	p.WriteByte('\n')
}

func (p *page) date(t time.Time) string   { return t.In(p.loc).Format("2 Jan 2006") }
func (p *page) moment(t time.Time) string { return t.In(p.loc).Format("2 Jan 2006 15:04 MST") }

// Clean keeps what a terminal only shows: escape sequences, bidi and other invisible characters go.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r): // a no-break space in a title, too
			return ' '
		case r == utf8.RuneError, !unicode.IsPrint(r):
			return -1
		}
		return r
	}, s)
}

func quoted(s string) string { return "“" + s + "”" }

// Pad makes s exactly n columns wide.
func Pad(s string, n int) string {
	s = cut(s, n)
	return s + strings.Repeat(" ", n-utf8.RuneCountInString(s))
}

func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

func thousandths(n int) string { return fmt.Sprintf("%d.%03d", n/1000, n%1000) }

// points writes tenths, without a decimal where it is 0.
func points(tenths int) string { return strings.TrimSuffix(score.FormatTenths(tenths), ".0") }
