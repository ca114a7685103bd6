package pipeline

import (
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/profile"
	"github.com/intentd/intentd/pipeline/score"
)

// profile is what the live records of a subject say of the properties that strengths may be learned from; of several that say something the first. What a record said that could
// not be read now still stands: a CRM that fails changes nobody's score. Of whom nothing is scored, and of whom nothing may be kept, it is not kept either.
func (l *lot) profile(s *subject) (words []score.Word) {
	if len(s.journey.Signals) == 0 || s.denied != "" {
		return nil
	}
	unread := false
	for _, r := range s.recs {
		if !r.read {
			unread = unread || len(r.crm.Profile) > 0
			continue
		}
		words = r.crm.addProfile(words, &r.contact)
	}
	if !unread {
		return words
	}
	if last := l.lastReceipt(s); last != nil {
		for _, w := range last.Features.Profile {
			for _, r := range s.recs {
				if !r.read && r.crm.asksFor(w.Name) {
					words = profile.Add(words, w.Name, w.Word)
				}
			}
		}
	}
	return words
}

func (c *CRM) addProfile(words []score.Word, k *connectors.Contact) []score.Word {
	if k.State != connectors.Live {
		return words
	}
	for _, property := range c.Profile {
		v := propertyOf(k, property)
		if v == "" {
			v = profileOf(k, property)
		}
		words = profile.Add(words, property, v)
	}
	return words
}

// asksFor says whether one of the properties has a name.
func (c *CRM) asksFor(name string) bool {
	for _, property := range c.Profile {
		if profile.Name(property) == name {
			return true
		}
	}
	return false
}
