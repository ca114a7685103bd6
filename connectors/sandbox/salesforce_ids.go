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

// longID is the 18-character form of an id of either length. An 18-character one may have lost its case; one whose last
// three characters do not fit the others is none.
func longID(id string) (string, bool) {
	var b [18]byte
	switch len(id) {
	case 15:
		copy(b[:], id)
		idSum(b[15:15], b[:15])
	case 18:
		copy(b[:], id)
		for i := range 15 {
			sum := strings.IndexByte(idSums, upper(id[15+i/5]))
			if sum < 0 {
				return "", false
			}
			isLetter := 'A' <= upper(b[i]) && upper(b[i]) <= 'Z'
			switch big := sum>>(i%5)&1 == 1; {
			case big && !isLetter:
				return "", false
			case big:
				b[i] = upper(b[i])
			case isLetter:
				b[i] = upper(b[i]) | 0x20
			}
		}
		for i := 15; i < 18; i++ {
			b[i] = upper(b[i])
		}
	default:
		return "", false
	}
	for _, c := range b[:15] {
		if strings.IndexByte(idDigits, c) < 0 {
			return "", false
		}
	}
	return string(b[:]), true
}

func upper(c byte) byte {
	if 'a' <= c && c <= 'z' {
		return c &^ 0x20
	}
	return c
}
