// Package cli is intentd's command line: one file per command, over package app.
//
// Commands that need the state ask a running daemon through its control socket, and open the file themselves where none runs.
//
// Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 done with dead letters or degraded.
package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
)

// Commands are all commands, for manuals of them.
func Commands() *cobra.Command {
	c := &command{}
	return c.root()
}

// Who starts it by a double click on Windows gets the set-up page: cobra would say that this is a command line tool.
func init() { cobra.MousetrapHelpText = "" }

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
	if errors.As(err, &app.Misused{}) {
		return Misused
	}
	return Failed
}

func (c *command) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "intentd",
		Short: "Scores how ready people are to buy, says why, and writes it to your CRM",
		Long: `intentd watches your CRM for new and changed people, gathers what they did from your analytics, works out what they want
and how ready they are, and writes score, reason and summary back as fields of the CRM.

Without a command, and without a configuration, it opens a page to set it up.

  intentd demo         see it work: no keys, no network
  intentd try FILE     try it on a journey of your own: no CRM, no configuration
  intentd backtest     see what the score is worth on people whose outcome you know
  intentd learn        learn from closed deals what goes with winning
  intentd eval         see how well texts say what people want, on labelled journeys
  intentd init         make a first configuration
  intentd doctor       check a configuration against the live systems
  intentd provision    make the fields in the CRM
  intentd plan         see, field by field, what would be written
  intentd run          the daemon
  intentd page         look at it in a browser

Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 done with dead letters or degraded.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return c.alone(cmd)
			}
			hint := ""
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				hint = ": did you mean " + strings.Join(near, " or ") + "?"
			}
			return misuse(cmd, "there is no command %q%s", args[0], hint)
		},
		SuggestionsMinimumDistance: 2,
		Version:                    c.Version,
	}
	root.SetVersionTemplate(c.versionText())
	root.Flags().BoolP("version", "v", false, "print the version")
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetHelpCommand(&cobra.Command{Hidden: true})
	root.PersistentFlags().StringVarP(&c.file, "config", "c", defaultConfig(), "the configuration `FILE`")
	root.PersistentFlags().BoolVar(&c.json, "json", false, "print JSON")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return misuse(cmd, "%s", err.Error()) })
	for _, sub := range []*cobra.Command{
		c.demo(),
		c.try(),
		c.backtest(),
		c.learn(),
		c.eval(),
		c.init(),
		c.run(),
		c.once(),
		c.plan(),
		c.people(),
		c.explain(),
		c.proof(),
		c.doctor(),
		c.provision(),
		c.dead(),
		c.alerts(),
		c.pause(),
		c.resume(),
		c.release(),
		c.rescan(),
		c.forget(),
		c.export(),
		c.privacy(),
		c.scores(),
		c.suggest(),
		c.verdicts(),
		c.backup(),
		c.compact(),
		c.status(),
		c.page(),
		c.mcp(),
		c.healthcheck(),
		c.sandbox(),
		c.completion(),
		c.version(),
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
