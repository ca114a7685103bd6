package score

import (
	"encoding/json"
	"fmt"
)

var (
	typeNames = [...]string{HandRaise: "hand_raise", SocialAsk: "social_ask", TechChange: "tech_change", JobPosting: "job_posting",
		Funding: "funding", FormSubmit: "form_submit", ContentView: "content_view", EmailEngage: "email_engage", WebVisit: "web_visit",
		SocialMention: "social_mention"}
	tierNames     = [...]string{TierUnknown: "unknown", Low: "low", Medium: "medium", High: "high"}
	stageNames    = [...]string{StageUnknown: "unknown", Exploring: "exploring", Comparing: "comparing", Deciding: "deciding"}
	trendNames    = [...]string{TrendNone: "", Cooling: "cooling", Steady: "steady", Rising: "rising", Surging: "surging", New: "new"}
	interestNames = [...]string{InterestNone: "", InterestLow: "low", InterestMedium: "medium", InterestHigh: "high"}
)

func word(names []string, i uint8) string {
	if int(i) < len(names) {
		return names[i]
	}
	return fmt.Sprintf("invalid(%d)", i)
}

func parse(names []string, s string) (uint8, bool) {
	for i, name := range names {
		if name == s {
			return uint8(i), true
		}
	}
	return 0, false
}

func unmarshal[T ~uint8](names []string, what string, v *T, text []byte) error {
	i, ok := parse(names, string(text))
	if !ok {
		return fmt.Errorf("score: %q is no %s", text, what)
	}
	*v = T(i)
	return nil
}

// String is the word for t as configs and CRMs spell it: "hand_raise". The zero Type is "".
func (t Type) String() string { return word(typeNames[:], uint8(t)) }

// ParseType reads what Type.String writes; the empty word is no type.
func ParseType(s string) (Type, bool) {
	i, ok := parse(typeNames[:], s)
	return Type(i), ok && i != 0
}

// MarshalText writes the word.
func (t Type) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads the word; an empty one is the zero Type.
func (t *Type) UnmarshalText(b []byte) error { return unmarshal(typeNames[:], "signal type", t, b) }

// String is the word for t as the CRM field holds it: "high".
func (t Tier) String() string { return word(tierNames[:], uint8(t)) }

// MarshalText writes the word.
func (t Tier) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads the word.
func (t *Tier) UnmarshalText(b []byte) error { return unmarshal(tierNames[:], "tier", t, b) }

// String is the word for s as the CRM field holds it: "deciding".
func (s Stage) String() string { return word(stageNames[:], uint8(s)) }

// MarshalText writes the word.
func (s Stage) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word.
func (s *Stage) UnmarshalText(b []byte) error { return unmarshal(stageNames[:], "stage", s, b) }

// String is the word for t as the CRM field holds it: "rising"; "" for TrendNone.
func (t Trend) String() string { return word(trendNames[:], uint8(t)) }

// MarshalText writes the word.
func (t Trend) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads the word.
func (t *Trend) UnmarshalText(b []byte) error { return unmarshal(trendNames[:], "trend", t, b) }

// String is the word for i as the CRM field holds it: "medium"; "" for InterestNone.
func (i Interest) String() string { return word(interestNames[:], uint8(i)) }

// MarshalText writes the word.
func (i Interest) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText reads the word.
func (i *Interest) UnmarshalText(b []byte) error {
	return unmarshal(interestNames[:], "interest", i, b)
}

// MarshalJSON writes an object of type names.
func (s Strengths) MarshalJSON() ([]byte, error) {
	m := make(map[string]uint8, len(s)-1)
	for t := HandRaise; int(t) < len(s); t++ {
		m[t.String()] = s[t]
	}
	return json.Marshal(m)
}

// UnmarshalJSON reads an object of type names; types it does not name keep what they had.
func (s *Strengths) UnmarshalJSON(b []byte) error {
	var m map[Type]uint8
	if err := json.Unmarshal(b, &m); err != nil {
		return fmt.Errorf("score: strengths: %w", err)
	}
	for t, v := range m {
		if t == 0 {
			return fmt.Errorf("score: strengths: a signal type without a name")
		}
		s[t] = v
	}
	return nil
}
