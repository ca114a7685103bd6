package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
)

// Consent names a property of a CRM's records that says whether somebody consented to what is recorded of them.
type Consent struct {
	Property string   `mapstructure:"property"`
	Granted  []string `mapstructure:"granted"` // its values
	Denied   []string `mapstructure:"denied"`  // the same: what was recorded is erased
}

// ConsentedSources are the sources of which everything was consented to that says nothing of consent.
func (c *Config) ConsentedSources() (names []string) {
	for _, s := range c.Sources {
		if s.Consent == "granted" {
			names = append(names, s.Name)
		}
	}
	return names
}

func (c *checker) consent(cfg *Config) {
	for i := range cfg.CRMs {
		by, at := &cfg.CRMs[i].Consent, fmt.Sprintf("crms[%d].consent", i)
		if by.Property == "" && len(by.Granted)+len(by.Denied) == 0 {
			continue
		}
		c.Required(at+".property", by.Property, "name the property that says whether somebody consented, for example hs_legal_basis")
		if len(by.Granted)+len(by.Denied) == 0 {
			c.Add(at, "no value of the property means anything", "write the values that say yes below granted, those that say no below denied")
		}
		for list, values := range map[string][]string{"granted": by.Granted, "denied": by.Denied} {
			for k, v := range values {
				if strings.TrimSpace(v) == "" {
					c.Add(fmt.Sprintf("%s.%s[%d]", at, list, k), "an empty property says nothing: one that may not be read any more looks the same", "name a value that says it")
				}
			}
		}
		for k, v := range by.Denied {
			if slices.ContainsFunc(by.Granted, func(g string) bool { return strings.EqualFold(strings.TrimSpace(g), strings.TrimSpace(v)) }) {
				c.Add(fmt.Sprintf("%s.denied[%d]", at, k), connectors.Quoted(v)+" is granted, too", "take it out of one of the two")
			}
		}
	}
	for i, s := range cfg.Sources {
		if s.Consent != "" && s.Consent != "granted" {
			c.Add(fmt.Sprintf("sources[%d].consent", i), connectors.Quoted(s.Consent)+" cannot be said of a whole source", "write granted, or leave it out: then the events say it themselves")
		}
	}
}
