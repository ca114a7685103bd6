package crmkit

import (
	"strings"

	"github.com/intentd/intentd/connectors"
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
