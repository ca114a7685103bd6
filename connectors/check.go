package connectors

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Problem is one thing that is wrong with a configuration.
type Problem struct {
	Path    string `json:"path"`           // where: "crms[0].token"; "" for the file as a whole
	Line    int    `json:"line,omitempty"` // of the file, from 1; 0 where the value does not stand in it
	Message string `json:"message"`        // what is wrong; never holds a secret
	Fix     string `json:"fix"`            // what to do about it
	Warning bool   `json:"warning,omitempty"`
}

// String is the problem on one line.
func (p Problem) String() string {
	var b strings.Builder
	if p.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", p.Line)
	}
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Message)
	if p.Fix != "" {
		b.WriteString(" — " + p.Fix)
	}
	return b.String()
}

// Check gathers the problems of a section of the configuration. Keys are those below the section; "" is the section itself. The
// methods that look at a value add one problem at most and report whether the value is right.
type Check struct {
	at       string
	problems *[]Problem
}

// NewCheck is a Check of the section at a path, which adds to problems.
func NewCheck(at string, problems *[]Problem) *Check { return &Check{at, problems} }

// In is a Check of a section below this one.
func (c *Check) In(key string) *Check { return &Check{c.path(key), c.problems} }

func (c *Check) path(key string) string {
	if c.at == "" || key == "" {
		return c.at + key
	}
	return c.at + "." + key
}

// Add tells of a mistake.
func (c *Check) Add(key, message, fix string) {
	*c.problems = append(*c.problems, Problem{Path: c.path(key), Message: message, Fix: fix})
}

// Warn tells of what does not keep intentd from starting.
func (c *Check) Warn(key, message, fix string) {
	*c.problems = append(*c.problems, Problem{Path: c.path(key), Message: message, Fix: fix, Warning: true})
}

// Told says whether a mistake was found in the key, or in the file that holds its secret, already.
func (c *Check) Told(key string) bool {
	path := c.path(key)
	return slices.ContainsFunc(*c.problems, func(p Problem) bool {
		return !p.Warning && (strings.EqualFold(p.Path, path) || strings.EqualFold(p.Path, path+"_file"))
	})
}

// Required refuses an empty text.
func (c *Check) Required(key, value, fix string) bool {
	return strings.TrimSpace(value) != "" || c.addOnce(key, "missing", fix)
}

// Secret refuses a missing secret; what says what it is.
func (c *Check) Secret(key string, value Secret, what, fix string) bool {
	return !value.IsZero() || c.addOnce(key, what+" is missing", fix)
}

// addOnce adds a problem unless there is one of the key, and is always false.
func (c *Check) addOnce(key, message, fix string) bool {
	if !c.Told(key) {
		c.Add(key, message, fix)
	}
	return false
}

// OneOf refuses a text that is none of those allowed.
func (c *Check) OneOf(key, value string, allowed ...string) bool {
	return slices.Contains(allowed, value) || c.addOnce(key, Quoted(value)+" is not known here", Suggest(value, allowed))
}

// Between refuses a number outside low and high.
func (c *Check) Between(key string, v, low, high float64, fix string) bool {
	number := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
	return v >= low && v <= high || c.addOnce(key, number(v)+" is not between "+number(low)+" and "+number(high), fix)
}

// Whole is Between for whole numbers.
func (c *Check) Whole(key string, v, low, high int, fix string) bool {
	return c.Between(key, float64(v), float64(low), float64(high), fix)
}

// Span refuses a duration outside low and high.
func (c *Check) Span(key string, d, low, high time.Duration) bool {
	return d >= low && d <= high || c.addOnce(key, fmt.Sprintf("is not between %s and %s", formatDuration(low), formatDuration(high)), "write for example 30m, 12h or 90d")
}

// Names refuses a list with an empty name in it.
func (c *Check) Names(key string, names []string, fix string) bool {
	return !slices.Contains(names, "") || c.addOnce(key, "holds an empty name", fix)
}

// URL refuses what is no plain https URL of a server; http is taken for this machine.
func (c *Check) URL(key, raw string) bool { return c.url(key, raw, loopback) }

// PrivateURL is URL, but takes http for the own network, too: for private addresses, and for names that only a network of one's own knows.
func (c *Check) PrivateURL(key, raw string) bool { return c.url(key, raw, private) }

func (c *Check) url(key, raw string, near func(host string) bool) bool {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http"):
		c.Add(key, "is no URL of a server", "write for example https://api.example.com")
	case u.User != nil:
		c.Add(key, "holds a user name or password", "remove it: credentials have keys of their own")
	case u.Scheme == "http" && !near(u.Hostname()):
		c.Add(key, "would send the secret unencrypted", "write https://")
	case u.RawQuery != "" || u.Fragment != "":
		c.Add(key, "holds a query or fragment", "end it with the host or path")
	default:
		return true
	}
	return false
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || (err == nil && ip.IsLoopback())
}

// PrivateAddress says whether an address is this machine's or of a network of one's own (RFC 1918, RFC 4193, link-local).
func PrivateAddress(ip netip.Addr) bool {
	ip = ip.Unmap()
	return ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast()
}

// private says whether a host is near: names without a dot, as containers have, and those under endings that no public name has.
func private(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return PrivateAddress(ip)
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if !strings.Contains(host, ".") {
		return true
	}
	for _, end := range []string{".localhost", ".local", ".internal", ".lan", ".home.arpa"} {
		if strings.HasSuffix(host, end) {
			return true
		}
	}
	return false
}

// formatDuration is d as the configuration writes it: "90d", "30m0s".
func formatDuration(d time.Duration) string {
	const day = 24 * time.Hour
	if d != 0 && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	return d.String()
}

// Quoted is a value in quotes, cut where it would fill the screen.
func Quoted(s string) string {
	if r := []rune(s); len(r) > 40 {
		s = string(r[:40]) + "…"
	}
	return strconv.Quote(s)
}

// Suggest is the fix for a value that is none of those allowed.
func Suggest(value string, allowed []string) string {
	if best, ok := Nearest(value, allowed); ok {
		return "did you mean " + best + "?"
	}
	return "write one of " + strings.Join(allowed, ", ")
}

// Nearest is the candidate within a third of the word's length in edits. Candidates are in lower case.
func Nearest(word string, candidates []string) (string, bool) {
	word = strings.ToLower(word)
	best, least := "", 1+max(len(word), 3)/3
	for _, c := range candidates {
		if d := edits(word, c); d < least {
			best, least = c, d
		}
	}
	return best, best != ""
}

// edits is the optimal string alignment distance: insertions, deletions, replacements and swaps of neighbours.
func edits(a, b string) int {
	x, y := []rune(a), []rune(b)
	if len(x) > 64 || len(y) > 64 {
		return max(len(x), len(y))
	}
	d := make([][]int, len(x)+1)
	for i := range d {
		d[i] = make([]int, len(y)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(x)][len(y)]
}
