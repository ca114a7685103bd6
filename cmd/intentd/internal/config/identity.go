package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/identity"
)

// Identity says what identifies whom, beside what package identity knows by itself.
type Identity struct {
	PhoneRegion string          `mapstructure:"phone_region"` // the country (DE) whose national numbers phones without a country code are
	Block       []IdentityBlock `mapstructure:"block"`        // values that identify nobody
	// JoinAnonymous: consented | always | never.
	JoinAnonymous string `mapstructure:"join_anonymous"`
}

// IdentityBlock is a value that identifies nobody.
type IdentityBlock struct {
	Kind  string `mapstructure:"kind"` // user_id | email | phone | anonymous_id
	Value string `mapstructure:"value"`
}

// IdentifyBy names a property of a CRM's records that holds an id of some source's space.
type IdentifyBy struct {
	Property string `mapstructure:"property"`
	As       string `mapstructure:"as"`  // user_id | anonymous_id
	IDs      string `mapstructure:"ids"` // the space; "": that of the sources, where they have but one
}

// IdentityOptions are the settings as package identity takes them.
func (c *Config) IdentityOptions() identity.Options {
	o := identity.Options{PhoneRegion: c.Identity.PhoneRegion, JoinAnonymous: identity.Join(c.Identity.JoinAnonymous)}
	for _, b := range c.Identity.Block {
		kind, _ := identity.ParseKind(b.Kind)
		o.Block = append(o.Block, identity.Block{Kind: kind, Value: b.Value})
	}
	for _, s := range c.Sources {
		if s.IDs != "" {
			if o.Spaces == nil {
				o.Spaces = map[string]string{}
			}
			o.Spaces[s.Name] = s.IDs
		}
	}
	return o
}

// spaces are the spaces of the configured sources' ids, each once.
func (c *Config) spaces() []string {
	var out []string
	for _, s := range c.Sources {
		space := s.IDs
		if space == "" {
			space = s.Name
		}
		if !slices.Contains(out, space) {
			out = append(out, space)
		}
	}
	return out
}

// SpaceOf is the space of the ids that a property holds.
func (c *Config) SpaceOf(by IdentifyBy) string {
	if spaces := c.spaces(); by.IDs == "" && len(spaces) == 1 {
		return spaces[0]
	}
	return by.IDs
}

func (c *checker) identity(cfg *Config) {
	if r := cfg.Identity.PhoneRegion; r != "" {
		if _, err := identity.New(identity.Options{PhoneRegion: r}); err != nil {
			c.Add("identity.phone_region", connectors.Quoted(r)+" is no country", "write its two letters, for example DE, GB or US")
		}
	}
	c.OneOf("identity.join_anonymous", cfg.Identity.JoinAnonymous, string(identity.JoinConsented), string(identity.JoinAlways), string(identity.JoinNever))
	for i, b := range cfg.Identity.Block {
		at := fmt.Sprintf("identity.block[%d]", i)
		c.OneOf(at+".kind", b.Kind, "user_id", "email", "phone", "anonymous_id", "company")
		c.Required(at+".value", b.Value, "write the value that identifies nobody")
	}
	spaces := cfg.spaces()
	for i, s := range cfg.Sources {
		if s.IDs != "" && !connectorName.MatchString(s.IDs) {
			c.Add(fmt.Sprintf("sources[%d].ids", i), connectors.Quoted(s.IDs)+" cannot be a name", "use lower-case letters, digits, - and _, beginning with a letter")
		}
	}
	for i, crm := range cfg.CRMs {
		for k, by := range crm.Identify {
			at := fmt.Sprintf("crms[%d].identify[%d]", i, k)
			c.Required(at+".property", by.Property, "name the property that holds the id")
			c.OneOf(at+".as", by.As, "user_id", "anonymous_id")
			switch {
			case by.IDs == "" && len(spaces) > 1:
				c.Add(at+".ids", "missing: the sources have ids of several kinds", "write one of "+strings.Join(spaces, ", ")+": whose ids they are")
			case by.IDs != "" && !slices.Contains(spaces, by.IDs):
				c.Add(at+".ids", "no source has ids named "+connectors.Quoted(by.IDs), connectors.Suggest(by.IDs, spaces))
			}
		}
	}
}
