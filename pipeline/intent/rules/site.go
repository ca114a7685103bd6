package rules

import (
	"slices"
	"strings"
	"time"

	"github.com/intentd/intentd/pipeline/intent/act"
	"github.com/intentd/intentd/pipeline/intent/plain"
	"github.com/intentd/intentd/pipeline/intent/redact"
	"github.com/intentd/intentd/pipeline/memo"
)

// Options configure the engine without a model.
type Options struct {
	Products []string      // the configured catalogue
	Hosts    []string      // the customer's own hosts: only links to these may stand in a text
	Topics   []string      // the topics that the config gives to pages; nil: any that is not the page's title
	Rivals   []Rival       // competitors: whom people compare with, and whose people get no sales step
	Language string        // en | de, where the subject names none
	Window   time.Duration // what lies further back is told only if there is nothing newer; default 90 days
}

// Rival is a competitor, as the config names them.
type Rival struct {
	Name    string   `json:"name"`
	Domains []string `json:"domains"`
}

// site is what is known of the customer's site and products, whoever the text is about, with what was worked out of its pages once.
type site struct {
	o       Options
	vendors []string // what the own hosts are called

	untellable memo.Memo[string, bool]
	captions   memo.Memo[string, *caption]
	pages      memo.Memo[page, *pageTopics]
	rivals     memo.Memo[page, string]
}

// page is one that people read, with the products that the journey knows, told in a language.
type page struct {
	title, url, products string
	german               bool
}

// caption is a title as it may be told of anybody: what is left to do for a person is to take out their names.
type caption struct {
	text, lower string
	machine     bool // its builder's, see MachineName
	german      bool
	untellable  bool
}

// pageTopics are the subjects of a page, without what products and the vendor are called, and the topics that they make.
type pageTopics struct {
	subjects []string
	topics   []topicName
}

// topicName is a subject as a topic is called, and its name as topics are compared by, with a bit for each byte in it: what holds
// another has all its bytes.
type topicName struct {
	subject, name, key string
	bytes              uint64
}

// holds says that the name of o is in that of t.
func (t *topicName) holds(o *topicName) bool {
	return o.bytes&^t.bytes == 0 && strings.Contains(t.key, o.key)
}

func (w *site) captionOf(title string) *caption {
	return w.captions.Of(title, func() *caption {
		t := title
		if i := strings.Index(t, " | "); i > 0 {
			t = t[:i]
		}
		t, _ = (&redact.Redactor{}).Clean(plain.Text(t, 80))
		return &caption{t, strings.ToLower(t), act.MachineName(title), germanTitle(t), strings.Contains(t, "[") || w.mayNotBeTold(t)}
	})
}

// mayNotBeTold says that a text of a page carries a foreign link or orders to software.
func (w *site) mayNotBeTold(t string) bool {
	return w.untellable.Of(t, func() bool { return plain.HasLink(t, w.o.Hosts) || orders.MatchString(t) })
}

// tellable takes out of subjects those that may not be told.
func (w *site) tellable(subjects []string) []string {
	return slices.Clip(slices.DeleteFunc(subjects, w.mayNotBeTold))
}

func vendorsOf(hosts []string) (names []string) {
	for _, h := range hosts {
		if b := brandOf("https://" + h); b != "" && !slices.Contains(names, b) {
			names = append(names, b)
		}
	}
	return names
}

// knownRival is a rival of the config whose name stands in s.
func (w *site) knownRival(s string) string {
	for i := range w.o.Rivals {
		if name := w.o.Rivals[i].Name; name != "" && strings.Contains(" "+foldSubject(s)+" ", " "+foldSubject(name)+" ") {
			return name
		}
	}
	return ""
}
