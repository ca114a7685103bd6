package salesforce

import "strings"

const (
	idDigits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	caseBits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
)

// normalID is the 18-character form of a record id: 15 characters in which case counts, and three that tell which of them are
// upper case, five bits each, the first in the lowest. An 18-character id that lost its case on the way gets it back.
func normalID(id string) (string, bool) {
	if len(id) != 15 && len(id) != 18 {
		return "", false
	}
	var b [18]byte
	copy(b[:], id)
	if len(id) == 18 {
		for i := range 15 {
			bits := strings.IndexByte(caseBits, upper(id[15+i/5]))
			if bits < 0 {
				return "", false
			}
			if isUpper := bits>>(i%5)&1 == 1; isUpper {
				b[i] = upper(id[i])
			} else {
				b[i] = lower(id[i])
			}
		}
	}
	for i := 0; i < 15; i += 5 {
		bits := 0
		for k, c := range b[i : i+5] {
			if strings.IndexByte(idDigits, c) < 0 {
				return "", false
			}
			if 'A' <= c && c <= 'Z' {
				bits |= 1 << k
			}
		}
		if sum := caseBits[bits]; len(id) == 18 && sum != upper(id[15+i/5]) {
			return "", false
		} else {
			b[15+i/5] = sum
		}
	}
	return string(b[:]), true
}

// NormalID is the 18-character form of an id of an object ("": of a lead or contact), which has 15 in reports and old exports.
func (c *Client) NormalID(object, id string) string {
	normal, ok := normalID(strings.TrimSpace(id))
	if !ok || object != "" && normal[:3] != prefixes[object] || object == "" && normal[:3] != prefixes[Lead] && normal[:3] != prefixes[Contact] {
		return id
	}
	return normal
}

func upper(c byte) byte {
	if 'a' <= c && c <= 'z' {
		return c - 'a' + 'A'
	}
	return c
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c - 'A' + 'a'
	}
	return c
}
