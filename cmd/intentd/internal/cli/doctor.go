package cli

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/connectors"
)

func (c *command) doctor() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Check configuration, connectors and state, with a fix for each finding",
		Long: `Checks the config file, then every connector against the live system, the state, the clock and the write mode. It changes
nothing. Every finding has a stable code, which docs/runbook.md explains. Exit code 1 if anything failed.`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			found, invalid, err := c.examine(cmd.Context())
			if err != nil {
				return err
			}
			failures, warnings := 0, 0
			for _, f := range found {
				switch f.Severity {
				case connectors.Failure:
					failures++
				case connectors.Warning:
					warnings++
				}
			}
			if err := c.print(found, func(w io.Writer) {
				printFindings(w, found)
				fmt.Fprintf(w, "%s, %s\n", plural(failures, "failure"), plural(warnings, "warning"))
			}); err != nil {
				return err
			}
			switch {
			case invalid:
				return &exitError{code: Misused}
			case failures > 0:
				return &exitError{code: Failed}
			}
			return nil
		},
	}
}

func printFindings(w io.Writer, found []app.Checked) {
	mark := map[connectors.Severity]string{connectors.OK: "ok     ", connectors.Warning: "warning", connectors.Failure: "FAILURE"}
	for _, f := range found {
		fmt.Fprintf(w, "%s  %-12s %s  [%s]\n", mark[f.Severity], f.About, f.Message, f.Code)
		if f.Fix != "" {
			fmt.Fprintf(w, "         → %s\n", f.Fix)
		}
	}
}

// examine has everything looked at: by the daemon, else by this process as far as configuration and state allow.
func (c *command) examine(ctx context.Context) (found []app.Checked, invalid bool, err error) {
	if client, file := c.daemon(ctx); client != nil {
		found, err = app.Examine.Do(ctx, client, file)
		return found, slices.ContainsFunc(found, func(f app.Checked) bool { return f.Code == "config.invalid" }), err
	}
	cfg, problems := config.Load(c.file, app.Types)
	found = app.FileFindings(c.file, problems)
	if cfg == nil {
		return found, true, nil
	}
	found = append(found, app.PlaceFindings(cfg)...)
	t, done, err := c.target(ctx, cfg, false)
	if err != nil {
		found = append(found, app.StateFinding(cfg.State.Path, err))
		t, done, err = c.scratch(cfg) // the connectors can be looked at all the same
	}
	if err != nil {
		return nil, false, err
	}
	defer done()
	more, err := app.Examine.Do(ctx, t, app.File{})
	return append(found, more...), false, err
}
