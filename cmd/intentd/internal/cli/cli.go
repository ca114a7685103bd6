// Package cli is intentd's command line: one file per command, over package app.
//
// Commands that need the state ask a running daemon through its control socket, and open the file themselves where none runs.
//
// Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 done with dead letters or degraded.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/cmd/intentd/internal/config"
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
	Version        string
	Reload         <-chan os.Signal // asks the daemon to read its configuration again; nil: never
}

// Run carries out one command and returns the exit code. The end of ctx is the wish to stop.
func Run(ctx context.Context, p Process) int {
	c := &command{Process: p}
	root := c.root()
	root.SetArgs(p.Args)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return Done
	}
	var exit *exitError
	if errors.As(err, &exit) {
		if exit.err != nil {
			fmt.Fprintln(p.Stderr, "intentd: "+exit.err.Error())
		}
		return exit.code
	}
	fmt.Fprintln(p.Stderr, "intentd: "+err.Error())
	return Failed
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

func (c *command) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "intentd",
		Short: "Scores how ready people are to buy, says why, and writes it to your CRM",
		Long: `intentd watches your CRM for new and changed people, gathers what they did from your analytics, works out what they want
and how ready they are, and writes score, reason and summary back as fields of the CRM.

  intentd demo         see it work: no keys, no network
  intentd try FILE     try it on a journey of your own: no CRM, no configuration
  intentd backtest     see what the score is worth on people whose outcome you know
  intentd init         make a first configuration
  intentd doctor       check a configuration against the live systems
  intentd provision    make the fields in the CRM
  intentd plan         see, field by field, what would be written
  intentd run          the daemon

Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 done with dead letters or degraded.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			hint := ""
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				hint = ": did you mean " + strings.Join(near, " or ") + "?"
			}
			return misuse(cmd, "there is no command %q%s", args[0], hint)
		},
		SuggestionsMinimumDistance: 2,
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetHelpCommand(&cobra.Command{Hidden: true})
	root.PersistentFlags().StringVarP(&c.file, "config", "c", defaultConfig(), "the configuration `FILE`")
	root.PersistentFlags().BoolVar(&c.json, "json", false, "print JSON")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return misuse(cmd, "%s", err.Error()) })
	for _, sub := range []*cobra.Command{
		c.demo(), c.try(), c.backtest(), c.init(), c.run(), c.once(), c.plan(), c.explain(), c.doctor(), c.provision(), c.dead(), c.pause(), c.resume(), c.release(), c.rescan(), c.forget(), c.export(), c.privacy(), c.suggest(),
		c.backup(), c.compact(), c.status(), c.healthcheck(), c.sandbox(), c.completion(), c.version(),
	} {
		root.AddCommand(sub)
	}
	return root
}

// defaultConfig is INTENTD_CONFIG, else the file in the working directory, else the one in /etc.
func defaultConfig() string {
	if file := os.Getenv("INTENTD_CONFIG"); file != "" {
		return file
	}
	const here, system = "intentd.yaml", "/etc/intentd/config.yaml"
	if _, err := os.Stat(here); err == nil {
		return here
	}
	return system
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

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
