package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/cmd/intentd/internal/web"
)

// alone is intentd without a command: somebody who has no configuration gets the set-up page, others the help.
func (c *command) alone(cmd *cobra.Command) error {
	if _, err := os.Lstat(c.file); err == nil {
		if err := cmd.Help(); err != nil {
			return err
		}
		fmt.Fprintf(c.Stdout, "\nThere is a configuration: %s\n", c.file)
		return nil
	}
	if !c.Terminal || c.json {
		return cmd.Help()
	}
	if !cmd.Flags().Changed("config") && os.Getenv("INTENTD_CONFIG") == "" {
		c.file = "intentd.yaml"
	}
	return c.setUp(cmd.Context())
}

// setUp serves the set-up page on the loopback until the daemon that it starts ends, or somebody ends it.
func (c *command) setUp(ctx context.Context) error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("the set-up page cannot be answered: %w; intentd init asks the same in this terminal", err)
	}
	log := app.NewLog(c.Stderr, nil)
	started := make(chan *app.App, 1)
	page := web.NewSetup(web.SetupOptions{File: c.file, Command: c.call("run"), Log: log, Quiet: c.quietLog(config.Default()), Version: c.Version,
		Run: func(ctx context.Context, cfg *config.Config) (string, error) {
			a, link, err := c.begin(ctx, cfg, log)
			if err == nil {
				started <- a
			}
			return link, err
		}})
	server := &http.Server{Handler: page, ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10} // the CRM is looked at within a request: no WriteTimeout
	go func() { _ = server.Serve(ln) }()
	defer server.Close()
	path, until := page.Link()
	link := "http://" + ln.Addr().String() + path
	fmt.Fprintf(c.Stdout, "There is no configuration yet. Set intentd up in a browser on this machine:\n\n  %s\n\nThe link works once, until %s. Nothing is written before you press for it; Ctrl-C ends this.\nintentd init asks the same here in the terminal; intentd --help shows every command.\n",
		link, until.Local().Format(time.TimeOnly))
	if c.Browse != nil {
		c.Browse(link)
	}
	select {
	case <-ctx.Done():
		return nil
	case a := <-started:
		return c.attend(ctx, a)
	}
}

// begin opens and starts the daemon, and makes a link to its page.
func (c *command) begin(ctx context.Context, cfg *config.Config, log *app.Log) (*app.App, string, error) {
	log.Follow(cfg)
	a, err := app.Open(app.Options{Config: cfg, Path: c.file, Log: log, Version: c.Version, Page: newPage})
	if err != nil {
		return nil, "", err
	}
	if err := a.Start(ctx); err != nil {
		return nil, "", errors.Join(err, a.Close())
	}
	link, err := app.OpenPage.Do(ctx, a, app.Nothing{})
	if err != nil {
		log.Warn("there is no link to the page", "error", err) // the daemon runs all the same
	}
	return a, link.URL, nil
}
