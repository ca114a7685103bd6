package crmkit

import (
	"slices"
	"strings"
)

// AppendAddress adds an e-mail address or phone number to those of a contact, in lower case and without space around it, as
// people are told apart by it. An empty one, and one that is there already, is left out.
func AppendAddress(list []string, s string) []string {
	if s = strings.ToLower(strings.TrimSpace(s)); s == "" || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}
