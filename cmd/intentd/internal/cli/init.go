package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/cmd/intentd/internal/setup"
	"github.com/intentd/intentd/connectors"
)

// initial is one run of init.
type initial struct {
	setup.Answers
	force, offline bool
}

// made is what init tells.
type made struct {
	Config   string        `json:"config"`
	Files    []string      `json:"files"` // with secrets, beside it
	Checked  bool          `json:"checked"`
	Findings []app.Checked `json:"findings"`
	Next     string        `json:"next"`
}

func (c *command) init() *cobra.Command {
	a := initial{Answers: setup.Answers{Timezone: setup.Timezone()}}
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Make a first configuration: five questions, or flags",
		Long: `Asks five questions in a terminal, or takes the answers as flags, and writes a configuration that loads: ./intentd.yaml, or where -c
says. Secrets go into files of mode 0600 beside it. The credentials are tried at once, unless --offline. Nothing is written to
the CRM, and no file that exists is overwritten without --force.

  intentd init
  intentd init --crm hubspot --token-file - --site www.example.com < token
  intentd init --crm salesforce --url https://example.my.salesforce.com --client-id 3MVG9… --token-file ./secret --timezone Europe/Berlin

Without a terminal only --crm and --token-file (or --token) are needed; the rest has defaults.`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("config") && os.Getenv("INTENTD_CONFIG") == "" {
				c.file = "intentd.yaml"
			}
			return c.initialise(cmd, &a)
		},
	}
	f := cmd.Flags()
	f.StringVar(&a.CRM, "crm", "", "hubspot or salesforce")
	f.StringVar(&a.URL, "url", "", "`URL` of the CRM; of Salesforce the org's My Domain")
	f.StringVar(&a.ClientID, "client-id", "", "consumer `KEY` of the app (salesforce)")
	f.StringVar(&a.SecretFile, "token-file", "", "`FILE` with the CRM's token (salesforce: the consumer secret), which stays where it is; -: standard input")
	f.StringVar(&a.Secret, "token", "", "the `TOKEN` itself; others on this machine can read it while the command runs")
	f.StringVar(&a.Journeys, "journeys", "", "where journeys come from: crm (what it knows itself), files or collector")
	f.StringVar(&a.Path, "path", "", "the event files' `PATH`, with --journeys files")
	f.StringVar(&a.Site, "site", "", "`HOST` of your site, such as www.example.com")
	f.StringVar(&a.Model, "model", "", "who writes the texts: rules or gemini")
	f.StringVar(&a.KeyFile, "key-file", "", "`FILE` with the model's key")
	f.StringVar(&a.Language, "language", "", "of what reps read: en or de")
	f.StringVar(&a.Timezone, "timezone", a.Timezone, "IANA `NAME` of the time zone of dates")
	f.BoolVar(&a.force, "force", false, "overwrite files that exist")
	f.BoolVar(&a.offline, "offline", false, "do not try the credentials")
	return cmd
}

func (c *command) initialise(cmd *cobra.Command, a *initial) error {
	if _, err := os.Lstat(c.file); err == nil && !a.force {
		return misuse(cmd, "%s exists already: name another file with -c, or overwrite it with --force", c.file)
	}
	if c.Terminal {
		if err := c.interview(cmd, &a.Answers); err != nil {
			return err
		}
	}
	if err := c.settle(cmd, a); err != nil {
		return err
	}
	plan, err := setup.Make(a.Answers, c.file)
	if err != nil {
		return err
	}
	cfg, problems, err := plan.Write(app.Types, a.force)
	var there *setup.ExistsError
	switch {
	case errors.As(err, &there):
		return misuse(cmd, "%s: name another place with -c, or overwrite it with --force", there)
	case err != nil:
		return err
	}
	if err := c.refuse(problems); err != nil {
		return err
	}
	told := made{Config: c.file, Next: c.call("doctor"), Findings: []app.Checked{}}
	for _, f := range plan.Files {
		if f.Secret {
			told.Files = append(told.Files, f.Path)
		}
	}
	if !a.offline {
		if err := c.probe(cmd.Context(), cfg, &told); err != nil {
			return err
		}
	}
	failed := slices.ContainsFunc(told.Findings, func(f app.Checked) bool { return f.Severity == connectors.Failure })
	if err := c.print(told, func(w io.Writer) { told.print(w, problems.Warnings(), failed) }); err != nil {
		return err
	}
	if failed {
		return &exitError{code: Failed}
	}
	return nil
}

// settle reads what standard input holds, fills in defaults and refuses answers that do not exist.
func (c *command) settle(cmd *cobra.Command, a *initial) error {
	if a.SecretFile == "-" && a.Secret == "" {
		text, err := io.ReadAll(io.LimitReader(c.stdin(), 64<<10))
		if err != nil {
			return fmt.Errorf("read the token from standard input: %w", err)
		}
		a.Secret, a.SecretFile = strings.TrimSpace(string(text)), ""
	}
	if err := a.Settle(); err != nil {
		return misuse(cmd, "%s", err)
	}
	return nil
}

// probe asks the CRM, and the model, over an empty state that goes with it.
func (c *command) probe(ctx context.Context, cfg *config.Config, told *made) error {
	t, done, err := c.scratch(cfg)
	if err != nil {
		return err
	}
	defer done()
	found, err := app.Examine.Do(ctx, t, app.File{})
	if err != nil {
		return err
	}
	told.Checked, told.Next = true, c.call("backtest")
	for _, f := range found {
		if !setup.Expected(f.Code, f.Severity) {
			told.Findings = append(told.Findings, f)
		}
	}
	if slices.ContainsFunc(told.Findings, func(f app.Checked) bool { return f.Severity == connectors.Failure }) {
		told.Next = c.call("doctor")
	}
	return nil
}

// call is how a command is called for this configuration.
func (c *command) call(name string) string {
	if c.file == "intentd.yaml" || c.file == os.Getenv("INTENTD_CONFIG") {
		return "intentd " + name
	}
	return "intentd " + name + " -c " + c.file
}

func (m *made) print(w io.Writer, warnings config.Problems, failed bool) {
	fmt.Fprintf(w, "wrote %s\n", m.Config)
	for _, file := range m.Files {
		fmt.Fprintf(w, "wrote %s (a secret, which its owner alone can read)\n", file)
	}
	for _, p := range warnings {
		fmt.Fprintf(w, "to do: %s\n", p)
	}
	printFindings(w, m.Findings)
	switch {
	case failed:
		fmt.Fprintf(w, "\nThe files are there, but not all is well yet. Mend what is named above, then look again:\n\n  %s\n", m.Next)
		return
	case m.Checked && len(m.Findings) > 0:
		fmt.Fprint(w, "the credentials work, and are enough to look; mend what is named above before write.mode is on\n")
	case m.Checked:
		fmt.Fprint(w, "the credentials work\n")
	default:
		fmt.Fprint(w, "the credentials were not tried (--offline)\n")
	}
	what := map[string]string{
		"backtest": "what the score would have been worth on deals that are closed; it needs no field in the CRM and writes nothing",
		"doctor":   "whether all is well: scopes, limits, clock, cost in calls a day",
	}[strings.Fields(m.Next)[1]]
	fmt.Fprintf(w, "\nNext, see %s:\n\n  %s\n", what, m.Next)
}
