package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/connectors"
)

// Exit codes.
const (
	Done     = 0
	Failed   = 1
	Misused  = 2 // usage or configuration: starting again does not help
	Degraded = 3 // done with dead letters or degraded
)

// Process is what the command line has of its process.
type Process struct {
	Args           []string  // without the program's name
	Stdin          io.Reader // nil: empty
	Stdout, Stderr io.Writer
	Terminal       bool                                  // somebody at a terminal can be asked
	Hidden         func(context.Context) (string, error) // reads a line that does not show as it is typed; nil: from Stdin
	Browse         func(link string)                     // opens a browser where there is one; nil: none is opened
	Version        string
	Reload         <-chan os.Signal // asks the daemon to read its configuration again; nil: never
}

func (p *Process) stdin() io.Reader {
	if p.Stdin == nil {
		return strings.NewReader("")
	}
	return p.Stdin
}

// command is the state that all commands share.
type command struct {
	Process
	file string // -c
	json bool   // --json
}

// exitError is an error with its exit code; a nil err means that all was said.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// misuse is a mistake in the command line: one line that says what was wrong and where help is.
func misuse(cmd *cobra.Command, format string, args ...any) error {
	return &exitError{Misused, fmt.Errorf(format+" (intentd "+strings.TrimPrefix(cmd.CommandPath()+" --help)", "intentd "), args...)}
}

// exactly is the number of arguments a command takes, with what they are called.
func exactly(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) == len(names):
			return nil
		case len(names) == 0:
			return misuse(cmd, "%s takes no argument, but %q was given", cmd.Name(), args[0])
		case len(args) < len(names):
			return misuse(cmd, "%s needs %s", cmd.Name(), strings.Join(names[len(args):], " and "))
		}
		return misuse(cmd, "%s takes %d argument, but %d were given", cmd.Name(), len(names), len(args))
	}
}

// load reads the configuration, prints what is wrong with it, warnings included, and fails with exit code 2 if anything is.
func (c *command) load() (*config.Config, error) {
	cfg, problems := config.Load(c.file, app.Types)
	for _, p := range problems {
		if p.Warning && cfg != nil {
			fmt.Fprintln(c.Stderr, "intentd: warning: "+c.file+": "+p.String())
		}
	}
	return c.checked(cfg, problems)
}

// checked is load's judgement without the warnings.
func (c *command) checked(cfg *config.Config, problems config.Problems) (*config.Config, error) {
	if err := c.refuse(problems); err != nil {
		return nil, err
	}
	return cfg, nil
}

// refuse prints the mistakes in the configuration and is an error if there are any.
func (c *command) refuse(problems config.Problems) error {
	if problems.Err() == nil {
		return nil
	}
	for _, p := range problems {
		if !p.Warning {
			fmt.Fprintln(c.Stderr, c.file+": "+p.String())
		}
	}
	return &exitError{Misused, fmt.Errorf("%s in %s", plural(len(problems)-len(problems.Warnings()), "mistake"), c.file)}
}

// print writes v as JSON where --json asks for it, and as text otherwise.
func (c *command) print(v any, text func(w io.Writer)) error {
	if !c.json {
		text(c.Stdout)
		return nil
	}
	e := json.NewEncoder(c.Stdout)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func plural(n int, what string) string { return connectors.Counted(n, what) }
