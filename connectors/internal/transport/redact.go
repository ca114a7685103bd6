package transport

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// Redactor takes secrets and e-mail addresses out of texts: the secrets it was told, and whatever has the form of one. It is
// safe for concurrent use.
type Redactor struct {
	mu      sync.RWMutex
	fixed   []string // from the configuration
	granted []string // tokens that came and went, the newest last
}

// NewRedactor knows the given secrets.
func NewRedactor(secrets ...string) *Redactor {
	r := new(Redactor)
	for _, s := range secrets {
		r.fixed = appendForms(r.fixed, s)
	}
	return r
}

const (
	shortestSecret = 6   // replacing anything shorter would only make errors unreadable
	keptTokens     = 32  // a daemon sees thousands of access tokens go by
	longestMessage = 500 // characters of a vendor's message that are kept
)

// AddToken makes s a secret for as long as it is one of the newest few.
func (r *Redactor) AddToken(s string) {
	r.mu.RLock()
	known := len(s) < shortestSecret || slices.Contains(r.granted, s) || slices.Contains(r.fixed, s)
	r.mu.RUnlock()
	if known {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.granted = appendForms(r.granted, s)
	if over := len(r.granted) - keptTokens; over > 0 {
		r.granted = slices.Delete(r.granted, 0, over)
	}
}

// appendForms appends s as it is and as it stands in a form or query.
func appendForms(list []string, s string) []string {
	if s = strings.TrimSpace(s); len(s) < shortestSecret {
		return list
	}
	for _, form := range []string{s, url.QueryEscape(s)} {
		if !slices.Contains(list, form) {
			list = append(list, form)
		}
	}
	return list
}

var (
	bearerForm = regexp.MustCompile(`(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=:-]{6,}`)
	tokenForm  = regexp.MustCompile(`\bpat-[a-z0-9]+-[A-Za-z0-9-]{6,}|\beyJ[A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]*){1,2}`)
	namedForm  = regexp.MustCompile(`(?i)\b(access_token|refresh_token|id_token|client_secret|token|api_?key|password|assertion|session_?id)(["']?\s*[=:]\s*["']?)[^\s"'&,;}]{4,}`)
	emailForm  = regexp.MustCompile(`[^\s"'<>()\[\]{},;:=&?\\/]+('[^\s"'<>()\[\]{},;:=&?\\/]+)*(@|%40)[\p{L}\p{N}-]+(\.[\p{L}\p{N}-]+)+`)
)

// Clean is s without secrets, e-mail addresses and control characters, cut to 500 characters.
func (r *Redactor) Clean(s string) string {
	if s == "" {
		return ""
	}
	r.mu.RLock()
	for _, list := range [][]string{r.fixed, r.granted} {
		for _, secret := range list {
			s = strings.ReplaceAll(s, secret, "[secret]")
		}
	}
	r.mu.RUnlock()
	s = bearerForm.ReplaceAllString(s, "$1 [secret]")
	s = tokenForm.ReplaceAllString(s, "[secret]")
	s = namedForm.ReplaceAllString(s, "$1$2[secret]")
	s = emailForm.ReplaceAllString(s, "[e-mail]")
	s = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(s, "?"))
	n := 0
	for i := range s {
		if n++; n > longestMessage {
			return s[:i] + "…"
		}
	}
	return s
}
