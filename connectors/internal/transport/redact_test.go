package transport

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	r := NewRedactor("s3cret/value+1", "short")
	r.AddToken("rotating-token")
	for in, want := range map[string]string{
		"nothing to hide": "nothing to hide",
		"it was s3cret/value+1, or s3cret%2Fvalue%2B1":          "it was [secret], or [secret]",
		"used rotating-token":                                   "used [secret]",
		"Authorization: Bearer abcdef123456":                    "Authorization: Bearer [secret]",
		"token pat-na1-0000-1111-2222 refused":                  "token [secret] refused",
		"jwt eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln ended":   "jwt [secret] ended",
		`{"access_token":"abcdefgh","x":1}`:                     `{"access_token":"[secret]","x":1}`,
		"refresh_token=abcdefgh&x=1":                            "refresh_token=[secret]&x=1",
		"Contact with email Ann.O'Hara+x@mail.example.co.uk ex": "Contact with email [e-mail] ex",
		"?email=ann%40example.com&x":                            "?email=[e-mail]&x",
		"jörg@bücher.example":                                   "[e-mail]",
		"a\nb\x00c\x1b[31m":                                     "a b c [31m",
		"at 5@3 pm":                                             "at 5@3 pm",
		"bad \xff utf":                                          "bad ? utf",
	} {
		if got := r.Clean(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
	if long := r.Clean(strings.Repeat("ü", 9999)); utf8.RuneCountInString(long) != longestMessage+1 {
		t.Errorf("a long text keeps %d characters", utf8.RuneCountInString(long))
	}
	for i := range 100 {
		r.AddToken(strings.Repeat("t", 10) + string(rune('a'+i%26)) + strings.Repeat("u", i))
	}
	if len(r.granted) > keptTokens {
		t.Errorf("%d tokens are remembered", len(r.granted))
	}
	if strings.Contains(r.Clean("x s3cret/value+1"), "s3cret") {
		t.Error("tokens that came by made it forget the configured secrets")
	}
}

func FuzzClean(f *testing.F) {
	f.Add("a token pat-na1-1234-5678 of ann@example.com")
	f.Fuzz(func(t *testing.T, s string) {
		const secret = "topsecret-1234567"
		got := NewRedactor(secret).Clean(s + secret + s)
		if strings.Contains(got, secret) || !utf8.ValidString(got) || utf8.RuneCountInString(got) > longestMessage+1 {
			t.Errorf("%q", got)
		}
	})
}
