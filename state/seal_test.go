package state

import (
	"strings"
	"testing"
)

// What an earlier release sealed is opened, and what was never sealed stays what it is.
func TestSealedWithEitherDictionary(t *testing.T) {
	plain := strings.Repeat("\x04 Demo angefragt am 21. Nov.; read the prices of Product on 19 Nov. ", 3)
	for name, b := range map[string][]byte{
		"first": append([]byte{sealedFirst}, first.Encode(nil, []byte(plain))...), "second": seal([]byte(plain)), "neither": []byte(plain),
	} {
		if got, err := unseal(b); string(got) != plain || err != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if isSealed(b) == (name == "neither") {
			t.Errorf("%s: sealed is %v", name, isSealed(b))
		}
	}
}
