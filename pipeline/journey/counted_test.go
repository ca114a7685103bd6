package journey

import "testing"

// No event is counted under the name of a CRM's profile: strengths that were learned from the one would be given for the other.
func TestNoEventPassesForAProfile(t *testing.T) {
	for object, want := range map[string]string{"profile: industry": "", "form: Industry": "form: industry", "/profile/edit": "pages: /profile"} {
		if got := counted(object); got != want {
			t.Errorf("%s is counted as %q, want %q", object, got, want)
		}
	}
}
