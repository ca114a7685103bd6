package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/cmd/intentd/internal/config"
)

func (c *command) healthcheck() *cobra.Command {
	var ready bool
	cmd := &cobra.Command{
		Use:   "healthcheck",
		Short: "Ask the running daemon whether it is well; for containers",
		Long: `Exit code 0 while the daemon lives and works, 1 when it does not answer within 5 seconds or its work stands still, so that a
restart would help. With --ready 1, too, when there is no CRM that it can work for: refused credentials, for example.`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), 5*time.Second)
			defer cancel()
			h, err := c.health(ctx)
			if err != nil {
				return err
			}
			if err := c.print(h, func(w io.Writer) { fmt.Fprintln(w, strings.Join(append([]string{h.Status}, h.Reasons...), "; ")) }); err != nil {
				return err
			}
			if !h.Alive || ready && h.Status == "failing" {
				return &exitError{code: Failed}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&ready, "ready", false, "fail as well when no CRM can be worked for")
	return cmd
}

// health asks at http.listen, and through the control socket where there is none, or where the file was broken after the start:
// its mistakes say nothing about the daemon, which must not be restarted into them.
func (c *command) health(ctx context.Context) (h app.Health, err error) {
	cfg, problems := config.Load(c.file, app.Types)
	if cfg != nil {
		if _, port, _ := net.SplitHostPort(cfg.HTTP.Listen); port != "" && port != "0" {
			return askHealth(ctx, cfg.HTTP.Listen)
		}
	} else {
		cfg = config.Whereabouts(c.file)
	}
	client, err := app.Dial(ctx, cfg.SocketPath())
	if err == nil {
		var st app.Status
		st, err = app.StatusOf.Do(ctx, client, app.Nothing{})
		h = st.Health
	} else if problems.Err() != nil {
		_, err = c.load()
	}
	return h, err
}

func askHealth(ctx context.Context, listen string) (app.Health, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return app.Health{}, err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/healthz", nil)
	if err != nil {
		return app.Health{}, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return app.Health{}, fmt.Errorf("the daemon does not answer: %w", err)
	}
	defer resp.Body.Close()
	var h app.Health
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&h); err != nil {
		return h, fmt.Errorf("the answer at %s is not intentd's: %s", listen, resp.Status)
	}
	return h, nil
}
