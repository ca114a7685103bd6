package app

import (
	"strings"
	"testing"
)

// Promise: the doctor names the commonest of the forms that nothing in the configuration knows, and says nothing where there are none.
func TestDoctorNamesUnknownForms(t *testing.T) {
	if got := examineForms(nil); got != nil {
		t.Errorf("of no form: %v", got)
	}
	got := examineForms(map[string]int64{"Rückmeldung Messe": 9, "Xylophone": 12, "(others)": 1})
	if len(got) != 1 || got[0].Code != "forms.unknown" || !strings.HasPrefix(got[0].Message, "22 forms sent") ||
		!strings.HasSuffix(got[0].Message, ": Xylophone (12), Rückmeldung Messe (9), (others) (1)") || got[0].Fix == "" {
		t.Errorf("%+v", got)
	}
}
