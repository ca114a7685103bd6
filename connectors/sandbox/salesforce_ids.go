package sandbox

import "strings"

// A Salesforce id is a prefix that tells the object, the place of the org, and a number in base 62: 15 characters in which
// case counts. Three more tell which of them are upper case, so that the id survives software that folds case.

const (
	idDigits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	idSums   = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
	idPlace  = "5g0"
	idNumber = 9 // digits of the number
)

// orgID makes the 18-character id of a number under a prefix of three characters. Ids ascend with their numbers.
func orgID(prefix string, n uint64) string {
	var b [18]byte
	copy(b[:], prefix)
	copy(b[3:], idPlace)
	for i := 14; i >= 15-idNumber; i-- {
		b[i] = idDigits[n%62]
		n /= 62
	}
	idSum(b[15:15], b[:15])
	return string(b[:])
}

// idSum appends the three characters that tell which of an id's 15 are upper case: five a character, the first in the lowest
// bit.
func idSum[T []byte | string](dst []byte, id T) []byte {
	for i := 0; i < 15; i += 5 {
		sum := 0
		for k := range 5 {
			if c := id[i+k]; 'A' <= c && c <= 'Z' {
				sum |= 1 << k
			}
		}
		dst = append(dst, idSums[sum])
	}
	return dst
}

// longID is the 18-character form of an id of either length. One that has lost its case, or whose last three characters do not
// fit the others, is none.
func longID(id string) (string, bool) {
	if len(id) != 15 && len(id) != 18 || strings.Trim(id, idDigits) != "" {
		return "", false
	}
	var b [18]byte
	copy(b[:], id[:15])
	idSum(b[15:15], id)
	long := string(b[:])
	return long, strings.HasPrefix(long, id)
}
