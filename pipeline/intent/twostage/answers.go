package twostage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/intent/plain"
	"github.com/intentd/intentd/pipeline/score"
)

// Bounds of what a model may say, in characters.
const (
	maxContextItem = 80
	maxAction      = 200
	maxSentence    = 320
	maxHeadline    = 200
	maxTopicName   = 60
	maxTopics      = 8
)

// decode reads the first JSON value. Fields that v does not have are let be, and so is what stands behind: models add the one and repeat
// themselves in the other.
func decode(raw []byte, v any) error {
	return json.NewDecoder(bytes.NewReader(raw)).Decode(v)
}

// parseStage1 reads the answer to a call of n interactions. Each answer is checked on its own: result i is nil where there was none for
// it, more than one, or one that does not stand up. The error is for answers that are no such list at all.
func parseStage1(raw []byte, items []content, hosts []string) ([]*stageOne, error) {
	var list struct {
		Answers []json.RawMessage `json:"answers"`
	}
	if err := decode(raw, &list); err != nil {
		return nil, fmt.Errorf("stage-1 answer is off its schema: %w", err)
	}
	if list.Answers == nil {
		return nil, errors.New("stage-1 answer is off its schema: no list of answers")
	}
	out := make([]*stageOne, len(items))
	seen := make([]bool, len(items))
	for _, item := range list.Answers {
		var a struct {
			ID      string   `json:"id"`
			Context []string `json:"screen_context"`
			Action  *string  `json:"user_action"`
			// Speculation is asked for because it makes the other two more faithful. It is read to be thrown away.
			Speculation *string `json:"speculation"`
		}
		if decode(item, &a) != nil {
			continue
		}
		i, err := strconv.Atoi(a.ID)
		if err != nil || i < 1 || i > len(items) || a.ID != strconv.Itoa(i) {
			continue
		}
		if i--; seen[i] { // two answers for one: neither is to be believed
			out[i] = nil
			continue
		}
		seen[i] = true
		if a.Action == nil || a.Speculation == nil || a.Context == nil || len(a.Context) > 5 {
			continue
		}
		s := stageOne{Action: plain.Text(*a.Action, maxAction)}
		good := s.Action != "" && !plain.HasLink(s.Action, hosts)
		for _, c := range a.Context {
			c = plain.Text(c, maxContextItem)
			good = good && c != "" && !plain.HasLink(c, hosts)
			s.Context = append(s.Context, c)
		}
		if good && items[i].evidence(&s) {
			out[i] = &s
		}
	}
	return out, nil
}

// cited is what the check of a claim needs of a step.
type cited struct {
	event   string
	time    time.Time // in the subject's location
	text    string    // the stage-1 fields, lower case
	trusted []string  // stemmed words of the trusted places
}

// checker holds a stage-2 answer against the steps it was given.
type checker struct {
	steps    map[string]*cited
	products []string
	hosts    []string
}

// claim is a text with the steps it rests on. Models answer it as a list, the text first, which costs fewer tokens than names for the two
// would; answers to prompts of before, which are kept, name them.
type claim struct {
	Text  *string
	Cites []string
}

// UnmarshalJSON reads a list or an object. Anything else is a claim without a text.
func (c *claim) UnmarshalJSON(raw []byte) error {
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		if len(list) > 0 {
			c.Text, c.Cites = &list[0], list[1:]
		}
		return nil
	}
	var named struct {
		Text  *string  `json:"text"`
		Cites []string `json:"cites"`
	}
	err := json.Unmarshal(raw, &named)
	c.Text, c.Cites = named.Text, named.Cites
	return err
}

// parse reads a stage-2 answer and drops what does not stand up. It fails when the answer is off its schema, or when no headline or no
// sentence is left. An empty NextStep is one that was dropped.
func (c *checker) parse(raw []byte) (intent.Intent, error) {
	var a struct {
		Headline  *claim  `json:"headline"`
		Sentences []claim `json:"sentences"`
		NextStep  *claim  `json:"next_step"`
		Topics    []claim `json:"topics"`
		Product   *string `json:"product"`
		Stage     string  `json:"stage"`
		Interest  string  `json:"interest"`
		Tier      string  `json:"tier"`
	}
	if err := decode(raw, &a); err != nil {
		return intent.Intent{}, fmt.Errorf("stage-2 answer is off its schema: %w", err)
	}
	if a.Headline == nil || a.NextStep == nil || a.Product == nil || a.Sentences == nil || a.Topics == nil {
		return intent.Intent{}, errors.New("stage-2 answer is off its schema: a field is missing")
	}
	var in intent.Intent
	ok := true
	if in.Stage, ok = stages[a.Stage]; !ok {
		return intent.Intent{}, errors.New("stage-2 answer is off its schema: no such stage")
	}
	if in.Interest, ok = interests[a.Interest]; !ok {
		return intent.Intent{}, errors.New("stage-2 answer is off its schema: no such interest")
	}
	if in.Tier, ok = tiers[a.Tier]; !ok {
		return intent.Intent{}, errors.New("stage-2 answer is off its schema: no such tier")
	}
	if *a.Product != noProduct {
		if !slices.Contains(c.products, *a.Product) {
			return intent.Intent{}, errors.New("stage-2 answer is off its schema: no such product")
		}
		in.Product = *a.Product
	}
	var kept bool
	if in.Headline, kept = c.claim(*a.Headline, maxHeadline); !kept {
		return intent.Intent{}, errors.New("the headline does not rest on the steps it cites")
	}
	for _, s := range a.Sentences {
		if len(in.Sentences) == sentencesMax {
			break
		}
		if s, kept := c.claim(s, maxSentence); kept {
			in.Sentences = append(in.Sentences, s)
		}
	}
	if len(in.Sentences) == 0 {
		return intent.Intent{}, errors.New("no sentence rests on the steps it cites")
	}
	in.NextStep, _ = c.claim(*a.NextStep, maxSentence)
	for _, t := range a.Topics {
		if len(in.Topics) == maxTopics {
			break
		}
		s, kept := c.claim(t, maxTopicName)
		if !kept || strings.Contains(s.Text, ";") || slices.ContainsFunc(in.Topics, func(o intent.Topic) bool { return strings.EqualFold(o.Name, s.Text) }) {
			continue
		}
		in.Topics = append(in.Topics, intent.Topic{Name: s.Text, Cites: s.Cites, Trusted: c.trusted(s.Text, t.Cites)})
	}
	return in, nil
}

var (
	stages    = map[string]score.Stage{"exploring": score.Exploring, "comparing": score.Comparing, "deciding": score.Deciding, "unknown": score.StageUnknown}
	interests = map[string]score.Interest{"high": score.InterestHigh, "medium": score.InterestMedium, "low": score.InterestLow, "none": score.InterestNone}
	tiers     = map[string]score.Tier{"high": score.High, "medium": score.Medium, "low": score.Low}
)

// claim checks one text: every citation exists, and nothing in it goes beyond what is cited as far as a program can tell.
func (c *checker) claim(a claim, limit int) (intent.Sentence, bool) {
	if a.Text == nil || len(a.Cites) == 0 {
		return intent.Sentence{}, false
	}
	s := intent.Sentence{Text: plain.Text(*a.Text, limit)}
	if s.Text == "" || plain.HasLink(s.Text, c.hosts) || plain.IsRelative(s.Text) {
		return intent.Sentence{}, false
	}
	steps := make([]*cited, 0, len(a.Cites))
	for _, id := range a.Cites {
		st := c.steps[id]
		if st == nil {
			return intent.Sentence{}, false
		}
		if slices.Contains(s.Cites, st.event) {
			continue
		}
		steps = append(steps, st)
		if len(s.Cites) < intent.MaxCites {
			s.Cites = append(s.Cites, st.event)
		}
	}
	if !c.figuresStand(s.Text, steps) || !quotesStand(s.Text, steps) {
		return intent.Sentence{}, false
	}
	return s, true
}

// trusted says whether every word of a topic stands in a trusted place of one of the cited steps.
func (c *checker) trusted(name string, cites []string) bool {
	want := plain.Words(name)
	if len(want) == 0 {
		return false
	}
	for _, id := range cites {
		st := c.steps[id]
		if st == nil || len(st.trusted) == 0 {
			continue
		}
		missing := slices.ContainsFunc(want, func(w string) bool { return !slices.Contains(st.trusted, plain.Stem(w)) })
		if !missing {
			return true
		}
	}
	return false
}

// numberWords are counts that a text may spell out.
var numberWords = map[string]int{
	"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12,
	"twice": 2, "thrice": 3, "dozen": 12, "dozens": 24, "hundred": 100, "hundreds": 100, "thousand": 1000, "thousands": 1000, "million": 1000000, "millions": 1000000,
	"zwei": 2, "drei": 3, "vier": 4, "fünf": 5, "sechs": 6, "sieben": 7, "acht": 8, "neun": 9, "zehn": 10, "elf": 11, "zwölf": 12,
	"zweimal": 2, "dreimal": 3, "viermal": 4, "dutzend": 12, "dutzende": 24, "hundert": 100, "hunderte": 100, "tausend": 1000, "tausende": 1000,
}

// monthOf reads a month's name or abbreviation, English or German, 0 if w is none.
func monthOf(w string) time.Month {
	if len(w) < 3 {
		return 0
	}
	for i, names := range [12][]string{
		{"january", "januar"}, {"february", "februar"}, {"march", "märz", "mrz"}, {"april"}, {"may", "mai"}, {"june", "juni"},
		{"july", "juli"}, {"august"}, {"september"}, {"october", "oktober"}, {"november"}, {"december", "dezember"},
	} {
		for _, n := range names {
			if w == n || len(w) >= 3 && len(w) <= 4 && strings.HasPrefix(n, w) {
				return time.Month(i + 1)
			}
		}
	}
	return 0
}

// figuresStand says whether every figure of text is in the cited steps: in their summaries, as their date or time, in a product's
// name, or as a count of no more steps than are cited.
func (c *checker) figuresStand(text string, steps []*cited) bool {
	ws := plain.Words(text)
	for i, w := range ws {
		n, isWord := numberWords[w]
		if !isWord {
			if strings.IndexFunc(w, func(r rune) bool { return r >= '0' && r <= '9' || r > 0x7f && isDigit(r) }) < 0 {
				continue
			}
			var err error
			if n, err = strconv.Atoi(w); err != nil {
				n = -1
			}
		}
		if inTexts(w, steps) || slices.ContainsFunc(c.products, func(p string) bool { return slices.Contains(plain.Words(p), w) }) {
			continue
		}
		// A day with its month: the date of a cited step.
		month := time.Month(0)
		if i+1 < len(ws) {
			month = monthOf(ws[i+1])
		}
		if month == 0 && i > 0 {
			month = monthOf(ws[i-1])
		}
		if !isWord && month != 0 && n >= 1 && n <= 31 {
			if slices.ContainsFunc(steps, func(s *cited) bool { return s.time.Day() == n && s.time.Month() == month }) {
				continue
			}
			if !(i > 1 && monthOf(ws[i-1]) != 0 && n > 31) { // not a year behind a month
				return false
			}
		}
		if n < 0 {
			return false
		}
		if !isWord && slices.ContainsFunc(steps, func(s *cited) bool {
			return n == s.time.Year() || n == s.time.Hour() && len(w) == 2 || n == s.time.Minute() && len(w) == 2
		}) {
			continue
		}
		if n > len(steps) {
			return false
		}
	}
	return true
}

func isDigit(r rune) bool {
	return strings.ContainsRune("²³¹¼½¾", r) || r >= 0x660 && r <= 0x669 || r >= 0x6f0 && r <= 0x6f9 || r >= 0x966 && r <= 0x96f || r >= 0xff10 && r <= 0xff19
}

func inTexts(w string, steps []*cited) bool {
	for _, s := range steps {
		for rest := s.text; ; {
			i := strings.Index(rest, w)
			if i < 0 {
				break
			}
			if plain.WordEdge(rest, i, i+len(w)) && !digitAt(rest, i-1) && !digitAt(rest, i+len(w)) {
				return true
			}
			rest = rest[i+len(w):]
		}
	}
	return false
}

func digitAt(s string, i int) bool { return i >= 0 && i < len(s) && s[i] >= '0' && s[i] <= '9' }

// quotesStand says whether everything between quotation marks occurs in a cited step.
func quotesStand(text string, steps []*cited) bool {
	for _, marks := range [][2]string{{"“", "”"}, {"„", "“"}, {"«", "»"}, {"\"", "\""}} {
		rest := text
		for {
			i := strings.Index(rest, marks[0])
			if i < 0 {
				break
			}
			rest = rest[i+len(marks[0]):]
			end := strings.Index(rest, marks[1])
			if end < 0 {
				break
			}
			quote := strings.ToLower(strings.Trim(rest[:end], " .,;:!?…"))
			if quote != "" && !slices.ContainsFunc(steps, func(s *cited) bool { return strings.Contains(s.text, quote) }) {
				return false
			}
			rest = rest[end+len(marks[1]):]
		}
	}
	return true
}

// noProduct is the model's word for none of the catalogue.
const noProduct = "none"

// sentencesMax bounds the sentences of a model's note.
const sentencesMax = 5
