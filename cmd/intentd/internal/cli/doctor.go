package cli

import (
	"fmt"
	"io"

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
			ctx := cmd.Context()
			found := []app.Checked{}
			cfg, problems := config.Load(c.file, app.Types)
			for _, p := range problems {
				f := app.Checked{About: "config", Code: "config.invalid", Severity: connectors.Failure, Message: c.file + ": " + config.Problem{Path: p.Path, Line: p.Line, Message: p.Message}.String(), Fix: p.Fix}
				if p.Warning {
					f.Code, f.Severity = "config.warning", connectors.Warning
				}
				found = append(found, f)
			}
			var t app.Target
			if cfg != nil {
				found = append(found, app.Checked{About: "config", Code: "config.ok", Severity: connectors.OK, Message: c.file + " is in order"})
				target, done, err := c.target(ctx, cfg, false)
				if err != nil {
					found = append(found, app.StateFinding(cfg.State.Path, err))
					target, done, err = c.scratch(cfg) // the connectors can be looked at all the same
				}
				if err != nil {
					return err
				}
				defer done()
				t = target
			} else if client, err := app.Dial(ctx, config.Whereabouts(c.file).SocketPath()); err == nil {
				t = client // the daemon goes on with what it read before the mistakes
			}
			if t != nil {
				more, err := app.Examine.Do(ctx, t, app.Nothing{})
				if err != nil {
					return err
				}
				found = append(found, more...)
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
				mark := map[connectors.Severity]string{connectors.OK: "ok     ", connectors.Warning: "warning", connectors.Failure: "FAILURE"}
				for _, f := range found {
					fmt.Fprintf(w, "%s  %-12s %s  [%s]\n", mark[f.Severity], f.About, f.Message, f.Code)
					if f.Fix != "" {
						fmt.Fprintf(w, "         → %s\n", f.Fix)
					}
				}
				fmt.Fprintf(w, "%s, %s\n", plural(failures, "failure"), plural(warnings, "warning"))
			}); err != nil {
				return err
			}
			switch {
			case cfg == nil:
				return &exitError{code: Misused}
			case failures > 0:
				return &exitError{code: Failed}
			}
			return nil
		},
	}
}
