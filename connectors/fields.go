package connectors

import (
	"context"
	"slices"
)

// Canonical names of intentd's own CRM fields. The config maps each to a property of the CRM.
const (
	FieldScore        = "score"
	FieldTier         = "tier"
	FieldTierSince    = "tier_since"
	FieldHeadline     = "headline"
	FieldSummary      = "summary"
	FieldReasons      = "reasons"
	FieldProduct      = "product"
	FieldInterest     = "product_interest"
	FieldTopics       = "topics"
	FieldStage        = "stage"
	FieldTrend        = "trend"
	FieldCoolsOn      = "cools_on"
	FieldLastSignalAt = "last_signal_at"
	FieldScoredAt     = "scored_at"
	FieldVerdict      = "verdict" // the rep's: read, never written

	// Of people whose fit is graded alone.
	FieldFit   = "fit"
	FieldGrade = "grade"
)

// FieldType is the type of a CRM field, apart from vendors' spelling.
type FieldType string

const (
	TypeNumber   FieldType = "number"
	TypeEnum     FieldType = "enumeration"
	TypeText     FieldType = "text"      // one line, Length ≤ 255
	TypeLongText FieldType = "long_text" // several lines
	TypeDate     FieldType = "date"
	TypeDateTime FieldType = "datetime"
)

// Option is one value of an enumeration.
type Option struct{ Value, Label string }

// Field describes one of intentd's own fields.
type Field struct {
	Number      int    // within its set: state keeps what it knows of a field under it, so that it never changes nor is used again
	Name        string // canonical
	Type        FieldType
	Label, Help string
	Length      int // characters, texts only
	Options     []Option
	RepEdits    bool // the rep's own field: intentd reads it
}

// Subject is the kind of what is scored and carries fields of ours.
type Subject uint8

// PersonSubject is somebody with one or more CRM records. It is the only kind so far, and stored as nothing: a further one needs no change of
// what is kept of people.
const PersonSubject Subject = 0

// ScoreName names one of the scores of a subject.
type ScoreName string

// DefaultScore is the score that every subject has, and the only one so far.
const DefaultScore ScoreName = ""

// FieldSet are intentd's own fields of one kind and one of its scores. It is handed to whoever works with them, and changed by nobody.
type FieldSet struct {
	Of     Subject
	Score  ScoreName
	Fields []Field // in the order a rep should see them
}

// Named is the field with a canonical name.
func (s FieldSet) Named(name string) (Field, bool) {
	for i := range s.Fields {
		if s.Fields[i].Name == name {
			return s.Fields[i], true
		}
	}
	return Field{}, false
}

// Numbered is the field with a number.
func (s FieldSet) Numbered(n int) (Field, bool) {
	if n >= 0 && n < len(s.Fields) && s.Fields[n].Number == n { // where it stands unless a later one was put between
		return s.Fields[n], true
	}
	for i := range s.Fields {
		if s.Fields[i].Number == n {
			return s.Fields[i], true
		}
	}
	return Field{}, false
}

// PersonFields are the fields of a person. A new one is a line here, where a rep should see it and with the next free Number, and its
// value in pipeline/fields.Render; provisioning, delivery, what a person holds and the page of `intentd explain` follow.
func PersonFields() FieldSet { return personFields }

// Labels say "(intentd)" where CRMs have scores of their own.
var personFields = FieldSet{Of: PersonSubject, Score: DefaultScore, Fields: []Field{
	{Number: 0, Name: FieldScore, Type: TypeNumber, Label: "Intent score (intentd)", Help: "0 to 100, one decimal: how ready this person is to buy, from what they did. Empty when unknown. Set by intentd."},
	{Number: 1, Name: FieldTier, Type: TypeEnum, Label: "Intent tier (intentd)", Help: "high, medium or low; unknown when nothing was ever seen. Set by intentd.", Options: options("high", "High", "medium", "Medium", "low", "Low", "unknown", "Unknown")},
	{Number: 2, Name: FieldTierSince, Type: TypeDateTime, Label: "Intent tier since (intentd)", Help: "When the present tier was reached: sort call lists by it. Set by intentd."},
	{Number: 3, Name: FieldHeadline, Type: TypeText, Length: 255, Label: "Intent headline (intentd)", Help: "What this person wants, in one line. Set by intentd."},
	{Number: 4, Name: FieldSummary, Type: TypeLongText, Length: 4000, Label: "Intent summary (intentd)", Help: "Up to three reasons and one next step. Set by intentd."},
	{Number: 5, Name: FieldReasons, Type: TypeLongText, Length: 4000, Label: "Intent reasons (intentd)", Help: "What raises and what lowers, and the parts that add up to the score. Set by intentd."},
	{Number: 6, Name: FieldProduct, Type: TypeText, Length: 255, Label: "Intent product (intentd)", Help: "The product they lean to most. Set by intentd."},
	{Number: 7, Name: FieldInterest, Type: TypeEnum, Label: "Intent product interest (intentd)", Help: "How strongly they lean to that product. Set by intentd.", Options: options("high", "High", "medium", "Medium", "low", "Low")},
	{Number: 8, Name: FieldTopics, Type: TypeText, Length: 255, Label: "Intent topics (intentd)", Help: "What they read about, separated by semicolons. Set by intentd."},
	{Number: 9, Name: FieldStage, Type: TypeEnum, Label: "Intent stage (intentd)", Help: "Where they are on the way to a decision. Set by intentd.", Options: options("exploring", "Exploring", "comparing", "Comparing", "deciding", "Deciding", "unknown", "Unknown")},
	{Number: 10, Name: FieldTrend, Type: TypeEnum, Label: "Intent trend (intentd)", Help: "The score against that of 7 days before; new if there was none. Set by intentd.", Options: options("new", "New", "surging", "Surging", "rising", "Rising", "steady", "Steady", "cooling", "Cooling")},
	{Number: 11, Name: FieldCoolsOn, Type: TypeDate, Label: "Intent cools on (intentd)", Help: "The day the tier drops unless they do something new. Set by intentd."},
	{Number: 12, Name: FieldLastSignalAt, Type: TypeDateTime, Label: "Intent last signal (intentd)", Help: "When they last did something that counts. Set by intentd."},
	{Number: 13, Name: FieldScoredAt, Type: TypeDateTime, Label: "Intent scored (intentd)", Help: "When intentd last worked this out. Set by intentd."},
	{Number: 14, Name: FieldVerdict, Type: TypeEnum, RepEdits: true, Label: "Intent verdict (intentd)", Help: "Yours to set: was intentd right about this person? intentd reads it and never writes it.", Options: options("interested", "Interested", "not_interested", "Not interested", "not_now", "Not now", "wrong_person", "Wrong person")},
}}

// AllPersonFields are those of every person, and those that a configuration may add.
func AllPersonFields() FieldSet { return allPersonFields }

// PersonFieldsWith are the fields of a person with further ones that a configuration adds, by canonical name.
func PersonFieldsWith(more ...string) FieldSet {
	set := personFields
	set.Fields = slices.Clone(set.Fields)
	for _, f := range addedFields {
		if slices.Contains(more, f.Name) {
			set.Fields = append(set.Fields, f)
		}
	}
	return set
}

// addedFields are made in a CRM only where the configuration asks for them.
var addedFields = []Field{
	{Number: 15, Name: FieldFit, Type: TypeEnum, Label: "Intent fit (intentd)", Help: "How well this person suits, by your own rules on CRM fields: A to D. It says nothing of what they did. Set by intentd.", Options: options("A", "A", "B", "B", "C", "C", "D", "D")},
	{Number: 16, Name: FieldGrade, Type: TypeEnum, Label: "Intent fit and tier (intentd)", Help: "Fit (A to D) and tier (1 high, 2 medium, 3 low, 4 unknown) in one: A1 first. Set by intentd.", Options: grades()},
}

var allPersonFields = PersonFieldsWith(FieldFit, FieldGrade)

func grades() []Option {
	var all []string
	for _, letter := range "ABCD" {
		for _, band := range "1234" {
			all = append(all, string(letter)+string(band), string(letter)+string(band))
		}
	}
	return options(all...)
}

func options(pairs ...string) []Option {
	var o []Option
	for i := 0; i+1 < len(pairs); i += 2 {
		o = append(o, Option{Value: pairs[i], Label: pairs[i+1]})
	}
	return o
}

// FieldAction is what provisioning would do about one field.
type FieldAction string

const (
	FieldOK     FieldAction = "ok"     // exists, ours, right type
	FieldCreate FieldAction = "create" // does not exist
	FieldUpdate FieldAction = "update" // ours, but options, label or rights differ
	FieldAdopt  FieldAction = "adopt"  // exists, not ours, right type, adopt: true
	FieldRefuse FieldAction = "refuse" // cannot be used: Why says so
	FieldRemove FieldAction = "remove" // by Remove
)

// FieldStep is one line of a provisioning plan.
type FieldStep struct {
	Field    string      `json:"field,omitempty"` // canonical; "" for a step that is no field (group, permission set)
	Object   string      `json:"object,omitempty"`
	Property string      `json:"property,omitempty"` // the CRM's name
	Action   FieldAction `json:"action"`
	Why      string      `json:"why,omitempty"`
	Fix      string      `json:"fix,omitempty"`
}

// Provisioner makes and removes intentd's fields in a CRM. Plan reads only. Apply does what a fresh Plan says, safe to
// repeat, and returns the steps done; any FieldRefuse step makes it do nothing and fail with Config. Remove archives only
// fields that intentd made. Manual lists the clicks that remain for the admin.
type Provisioner interface {
	Plan(ctx context.Context) ([]FieldStep, error)
	Apply(ctx context.Context) ([]FieldStep, error)
	Remove(ctx context.Context, apply bool) ([]FieldStep, error)
	Manual() []string
}

// Severity of a finding.
type Severity string

const (
	OK      Severity = "ok"
	Warning Severity = "warning"
	Failure Severity = "failure"
)

// Finding is one result of a doctor's probe. Code is stable ("hubspot.scope_missing"), keyed in the runbook.
type Finding struct {
	Code     string
	Severity Severity
	Message  string
	Fix      string
	Writing  bool // a failure that stands in the way of writing alone: to look, it need not be mended
}

// Prober checks a connector against the live system without changing anything.
type Prober interface {
	Probe(ctx context.Context) []Finding
}
