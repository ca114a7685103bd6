package crmkit

import (
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/internal/transport"
)

// ConfigError is the error of options that a connector of that name cannot work with: what is wrong, and what puts it right.
func ConfigError(name, message, fix string) *connectors.Error {
	e := connectors.Errorf(connectors.Config, name+": configure", "%s", message)
	e.Fix = fix
	return e
}

// CheckName is the Config error of a connector's name that cannot stand in a connectors.Ref; nil if it can.
func CheckName(name string) *connectors.Error {
	if strings.ContainsAny(name, "/ ") {
		return ConfigError(name, "the name of a CRM holds neither spaces nor slashes", "choose another name")
	}
	return nil
}

// Refusal is the Config error of a plan of provisioning with steps that cannot be done; nil if it has none. Of a step, stepOf is
// what it concerns, as the error tells it, and the step itself.
func Refusal[S any](c *transport.Client, plan []S, stepOf func(S) (concerns string, step connectors.FieldStep)) error {
	var why, fix []string
	for _, s := range plan {
		if concerns, step := stepOf(s); step.Action == connectors.FieldRefuse {
			why = append(why, concerns+": "+step.Why)
			fix = append(fix, step.Fix)
		}
	}
	if why == nil {
		return nil
	}
	e := c.Err(connectors.Config, "provision", "", strings.Join(why, "; "))
	e.Fix = strings.Join(slices.Compact(fix), "; ")
	return e
}
