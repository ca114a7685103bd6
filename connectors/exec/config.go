package exec

import (
	"errors"
	osexec "os/exec"
	"strings"
	"time"

	"github.com/intentd/intentd/connectors"
)

// Type is a source that is a command.
var Type = connectors.SourceType{Poll: "@every 5m", Settings: func() connectors.Settings { return &Config{Timeout: time.Minute} }}

// Config are the keys of a source of type exec.
type Config struct {
	Command []string      `mapstructure:"command"` // the program and its arguments; no shell
	Timeout time.Duration `mapstructure:"timeout"` // of a run; then it is killed with all it started
	Env     []string      `mapstructure:"env"`     // names of variables of the daemon's that it sees, too
}

// Check implements connectors.Settings.
func (o *Config) Check(c *connectors.Check) {
	c.Span("timeout", o.Timeout, time.Second, time.Hour)
	for _, name := range o.Env {
		if name == "" || strings.ContainsAny(name, "= \x00") {
			c.Add("env", connectors.Quoted(name)+" is no name of a variable", "name variables only; their values come from the daemon's environment")
		}
	}
	program := ""
	if len(o.Command) > 0 {
		program = o.Command[0]
	}
	if !c.Required("command", program, "write the program and its arguments as a list, for example [/usr/local/bin/export-events, --since-cursor]") {
		return
	}
	if _, err := osexec.LookPath(program); err != nil && !errors.Is(err, osexec.ErrDot) {
		c.Warn("command", err.Error(), "install it, let the user that intentd runs as execute it, or correct the path; the source fails until then")
	}
}

// Disclose implements connectors.Discloser. The arguments may hold a secret.
func (o *Config) Disclose() connectors.Disclosure {
	return connectors.Disclosure{At: o.Command[0], Local: true, Way: connectors.Taken}
}

// Keeps implements connectors.Keeper.
func (o *Config) Keeps() string {
	return "what the command " + connectors.Quoted(o.Command[0]) + " reads is not changed: delete the person there, or it may tell of them again under another id"
}

// Open implements connectors.SourceSettings.
func (o *Config) Open(h connectors.Host) (connectors.Origin, error) {
	now := h.Now
	if now == nil {
		now = time.Now
	}
	return connectors.Origin{Name: h.Name, Feed: &Feed{name: h.Name, o: *o, now: now}}, nil
}
