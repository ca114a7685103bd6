package journey

import (
	"path"
	"strings"
)

// address is a URL taken apart far enough to tell pages from each other.
type address struct {
	host string // lower case, without port, user and "www."; "" for a mere path
	path string // begins with "/"; no query, fragment, trailing slash or index file; "" if there is none to tell
}

// parseURL takes raw apart. It takes what browsers and trackers send ("https://…", "//host/…", "/path", "host.tld/path") and
// gives an empty address for everything else (mailto:, javascript:, data:).
func parseURL(raw string) address {
	s := raw
	if i := strings.IndexAny(s, "?#"); i >= 0 {
		s = s[:i]
	}
	var a address
	switch i := strings.Index(s, "://"); {
	case i >= 0:
		scheme := s[:i]
		if !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
			return a
		}
		s = s[i+3:]
	case strings.HasPrefix(s, "//"):
		s = s[2:]
	case strings.HasPrefix(s, "/"):
		a.path = normalPath(s)
		return a
	default:
		if colon := strings.IndexByte(s, ':'); colon >= 0 && !digits(s[colon+1:]) {
			return a
		}
		if dot, slash := strings.IndexByte(s, '.'), strings.IndexByte(s, '/'); dot <= 0 || slash >= 0 && slash < dot {
			return a
		}
	}
	authority := s
	path := ""
	if i := strings.IndexAny(s, "/\\"); i >= 0 {
		authority, path = s[:i], s[i:]
	}
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		authority = authority[i+1:]
	}
	if !strings.HasPrefix(authority, "[") {
		if i := strings.LastIndexByte(authority, ':'); i >= 0 {
			authority = authority[:i]
		}
	} else if i := strings.IndexByte(authority, ']'); i >= 0 {
		authority = authority[:i+1]
	}
	host := strings.TrimPrefix(strings.TrimSuffix(strings.ToLower(authority), "."), "www.")
	if host == "" || strings.ContainsAny(host, " \t\"<>%") || len(host) > 253 {
		return a
	}
	a.host = host
	a.path = normalPath(path)
	return a
}

// digits says that s begins with a digit: a port, as against what follows the colon of "mailto:".
func digits(s string) bool { return s != "" && s[0] >= '0' && s[0] <= '9' }

// normalPath drops what does not tell pages apart: double and trailing slashes, path parameters and index files.
func normalPath(p string) string {
	if !strings.HasPrefix(p, "/") {
		p = "/" + p
	}
	p = clean(p, maxURL)
	if i := strings.IndexByte(p, ';'); i >= 0 {
		p = p[:i]
	}
	for strings.Contains(p, "//") {
		p = strings.ReplaceAll(p, "//", "/")
	}
	for before := ""; p != before; { // what one step leaves may be another's to drop
		before = p
		p = strings.TrimRight(p, "/ ")
		if strings.Contains(p, "/.") {
			p = path.Clean(p)
		}
		if i := strings.LastIndexByte(p, '/'); i >= 0 {
			switch strings.ToLower(p[i+1:]) {
			case "index.html", "index.htm", "index.php", "index.jsp", "index.asp", "index.aspx", "default.asp", "default.aspx", "default.html", "home.html":
				p = p[:i]
			}
		}
	}
	if p == "" {
		return "/"
	}
	return p
}

// segments are the lower-case parts of a normal path, without what the last is written in ("pricing.html"), with hyphens and plain
// letters, as patterns have them.
func segments(path string) []string {
	path = plainPath(unescape(strings.Trim(path, "/")))
	if path == "" {
		return nil
	}
	if dot := strings.LastIndexByte(path, '.'); dot > 0 {
		switch path[dot+1:] {
		case "html", "htm", "php", "asp", "aspx", "jsp", "shtml", "xhtml":
			path = path[:dot]
		}
	}
	return strings.Split(path, "/")
}

// cleanURL is raw as it may be kept and shown to a model: no user, no fragment, none of the parameters in drop, one line.
func cleanURL(raw string, drop map[string]bool) string {
	s := clean(raw, maxURL)
	s, _, _ = strings.Cut(s, "#")
	head, query, asked := strings.Cut(s, "?")
	if i := strings.Index(head, "://"); i >= 0 {
		rest := head[i+3:]
		end := strings.IndexByte(rest, '/')
		if end < 0 {
			end = len(rest)
		}
		if at := strings.LastIndexByte(rest[:end], '@'); at >= 0 {
			head = head[:i+3] + rest[at+1:]
		}
	}
	if whole, rest, more := strings.Cut(head, "&"); more { // a secret is one without its question mark, too
		head = whole
		for param := range strings.SplitSeq(rest, "&") {
			if name, _, _ := strings.Cut(param, "="); !drop[strings.ToLower(unescape(name))] {
				head += "&" + param
			}
		}
	}
	if !asked {
		return head
	}
	kept := make([]string, 0, 8)
	for param := range strings.FieldsFuncSeq(query, func(r rune) bool { return r == '&' || r == ';' }) {
		if carries(param, drop) {
			param = param[:strings.IndexAny(param+"=", "=?%")] // its name alone
		}
		name, _, _ := strings.Cut(param, "=")
		if param != "" && !drop[strings.ToLower(unescape(name))] {
			kept = append(kept, param)
		}
	}
	if len(kept) == 0 {
		return head
	}
	return head + "?" + strings.Join(kept, "&")
}

// carries says whether a parameter holds an address with a parameter in drop of its own: "next=/a?token=1", escaped or not.
func carries(param string, drop map[string]bool) bool {
	_, inner, nested := strings.Cut(unescape(param), "?")
	if !nested {
		return false
	}
	for p := range strings.FieldsFuncSeq(inner, func(r rune) bool { return r == '?' || r == '&' || r == ';' }) {
		if name, _, _ := strings.Cut(p, "="); drop[strings.ToLower(unescape(name))] {
			return true
		}
	}
	return false
}

// campaignOf is the utm_campaign of a URL, "" if it has none.
func campaignOf(raw string) string {
	i := strings.Index(raw, "utm_campaign=")
	if i <= 0 || raw[i-1] != '?' && raw[i-1] != '&' {
		return ""
	}
	v := raw[i+len("utm_campaign="):]
	if end := strings.IndexAny(v, "&#;"); end >= 0 {
		v = v[:end]
	}
	return clean(unescape(strings.ReplaceAll(v, "+", " ")), maxName)
}

// unescape resolves percent escapes and leaves broken ones as they are.
func unescape(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			hi, lo := unhex(s[i+1]), unhex(s[i+2])
			if hi >= 0 && lo >= 0 {
				b = append(b, byte(hi<<4|lo))
				i += 2
				continue
			}
		}
		b = append(b, s[i])
	}
	return string(b)
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// afterLanguage is a path without the language in front, which is no part of what a site begins with.
func afterLanguage(segs []string) []string {
	if len(segs) > 0 && isLanguage(segs[0]) {
		return segs[1:]
	}
	return segs
}

// isLanguage says whether a path's segment names a language, and perhaps a country: "de", "en-us".
func isLanguage(seg string) bool {
	letter := func(c byte) bool { return c >= 'a' && c <= 'z' }
	return len(seg) >= 2 && letter(seg[0]) && letter(seg[1]) && (len(seg) == 2 || len(seg) == 5 && (seg[2] == '-' || seg[2] == '_') && letter(seg[3]) && letter(seg[4]))
}
