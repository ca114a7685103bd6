package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/profile"
)

// maxProfile bounds how many properties of a CRM are learned from: each is stored with everybody.
const maxProfile = 20

// ProfileNames are the names, as learned strengths have them, of the properties that they may be learned from, each once.
func (c *Config) ProfileNames() (names []string) {
	for i := range c.CRMs {
		for _, property := range c.CRMs[i].LearningProfile {
			if name := profile.Name(property); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

var profileProperty = regexp.MustCompile(`^([A-Za-z]+\.)?[A-Za-z][A-Za-z0-9_]*$`)

// learningProfile checks the properties that strengths may be learned from. A name that says who somebody is, or what became of them, is refused: the one would learn people by heart,
// the other tell the outcome to what is to foretell it.
func (c *checker) learningProfile(cfg *Config) {
	const name = "name properties that say what kind of person or company it is, such as "
	for i := range cfg.CRMs {
		crm := &cfg.CRMs[i]
		fix := name + "jobtitle, industry, numemployees or hs_analytics_source"
		if crm.Type == "salesforce" {
			fix = name + "Title, Lead.Industry, Lead.NumberOfEmployees or LeadSource"
		}
		if n := len(crm.LearningProfile); n > maxProfile {
			c.Add(fmt.Sprintf("crms[%d].learning_profile", i), fmt.Sprintf("names %d properties, and each is stored with everybody", n), fmt.Sprintf("keep the %d that tell most", maxProfile))
		}
		own := crm.ownProperties(cfg.OwnFields())
		for k, property := range crm.LearningProfile {
			at := fmt.Sprintf("crms[%d].learning_profile[%d]", i, k)
			_, bare, dotted := strings.Cut(property, ".")
			if !dotted {
				bare = property
			}
			switch why := tells(bare); {
			case !profileProperty.MatchString(property):
				c.Add(at, connectors.Quoted(property)+" is no name of a property", fix)
			case dotted && crm.Type != "salesforce":
				c.Add(at, connectors.Quoted(property)+" names an object, which only Salesforce has", "write the property alone")
			case slices.ContainsFunc(own, func(p string) bool { return strings.EqualFold(p, bare) }):
				c.Add(at, connectors.Quoted(property)+" is intentd's own field: it would learn from itself", fix)
			case why != "":
				c.Add(at, connectors.Quoted(property)+" "+why, fix)
			case slices.ContainsFunc(cfg.Privacy.CustomerFields, func(f ScopeList) bool { return strings.EqualFold(profile.Name(f.Property), profile.Name(property)) }):
				c.Add(at, connectors.Quoted(property)+" marks customers (privacy.customer_fields): learned from, it would tell the outcome that it is to foretell", fix)
			case slices.ContainsFunc(crm.LearningProfile[:k], func(p string) bool { return strings.EqualFold(p, property) }):
				c.Add(at, connectors.Quoted(property)+" is named twice", "take one of the two out")
			}
		}
	}
}

// ownProperties are the properties in which intentd's fields stand.
func (c *CRM) ownProperties(set connectors.FieldSet) (out []string) {
	var usual func(string) string
	if d, ok := c.Settings.(connectors.Discloser); ok {
		usual = d.Disclose().Property
	}
	for _, f := range set.Fields {
		property, named := c.Fields[f.Name]
		if !named && usual != nil {
			property = usual(f.Name)
		}
		if property != "" {
			out = append(out, property)
		}
	}
	return out
}

// What the words of a property's name give away. A stem stands anywhere in the name, a word for itself.
var (
	namesWhom = nameParts{stems: []string{"email", "phone", "firstname", "lastname", "fullname"}, words: []string{"mail", "mobile", "fax", "salutation", "signature"}, whole: []string{"name", "company", "companyname", "id", "objectid"}}
	tellsFate = nameParts{stems: []string{"lifecycle", "dealstage", "leadstatus", "convert", "hubspotowner", "ownerid", "ownername", "closedate", "totalrevenue"},
		words: []string{"status", "stage", "owner", "deal", "deals", "opportunity", "opportunities", "closed", "close", "won", "lost", "verdict"}, whole: []string{"customer", "iscustomer"}}
)

type nameParts struct{ stems, words, whole []string }

func (p *nameParts) in(property string) bool {
	words := wordsOf(property)
	together := strings.Join(words, "")
	return slices.Contains(p.whole, together) || slices.ContainsFunc(words, func(w string) bool { return slices.Contains(p.words, w) }) ||
		slices.ContainsFunc(p.stems, func(s string) bool { return strings.Contains(together, s) })
}

// tells is why a property of that name is not learned from; "" if nothing speaks against it.
func tells(property string) string {
	switch {
	case tellsFate.in(property):
		return "says what became of somebody, or whose they are: learned from, it would tell the outcome that it is to foretell"
	case namesWhom.in(property):
		return "says who somebody is: learned from, it would know people by heart"
	}
	return ""
}

// wordsOf parts hs_lead_status, LeadStatus and Lead_Status__c into words, in lower case; what HubSpot and Salesforce mark their names with is none.
func wordsOf(name string) (words []string) {
	name = strings.TrimSuffix(name, "__c")
	var b strings.Builder
	before := '_'
	for _, r := range name {
		if unicode.IsUpper(r) && !unicode.IsUpper(before) {
			b.WriteByte(' ')
		}
		if r == '_' {
			b.WriteByte(' ')
		} else {
			b.WriteRune(unicode.ToLower(r))
		}
		before = r
	}
	words = strings.Fields(b.String())
	if len(words) > 1 && words[0] == "hs" {
		words = words[1:]
	}
	return words
}
