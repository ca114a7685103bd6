package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/cmd/intentd/internal/mcp"
)

func (c *command) mcp() *cobra.Command {
	var listen string
	cmd := &cobra.Command{
		Use:   "mcp",
		Short: "Answer a model's client, read-only, by the Model Context Protocol",
		Long: `Speaks the Model Context Protocol on standard input and output, for a client that starts it: why does somebody have their score, and what
would a change of the formula do. Nothing is changed by it. It asks the daemon of the configuration through its control socket, or opens
the state where none runs.

What a tool answers goes to whoever runs the client's model: of a person, the receipt that intentd explain prints. Each look is one that
somebody asked for; nothing is sent by itself.`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s := mcp.Server(c.Version, func(ctx context.Context) (app.Target, *time.Location, func(), error) {
				cfg, t, done, err := c.reach(ctx)
				if err != nil {
					return nil, nil, nil, err
				}
				return t, cfg.Text.Location(), done, nil
			})
			if listen != "" {
				return c.serveMCP(cmd.Context(), listen, mcp.Handler(s))
			}
			err := s.Run(cmd.Context(), &sdk.IOTransport{Reader: io.NopCloser(c.stdin()), Writer: keptOpen{c.Stdout}})
			if cmd.Context().Err() != nil {
				return nil
			}
			return err
		},
	}
	cmd.Flags().StringVar(&listen, "http", "", "for tests: serve Streamable HTTP on a loopback `ADDRESS` instead, to every user of this machine")
	return cmd
}

// keptOpen is a writer that whoever is given it does not close.
type keptOpen struct{ io.Writer }

func (keptOpen) Close() error { return nil }

// serveMCP serves until ctx ends. There is no signing in: other machines must not reach it.
func (c *command) serveMCP(ctx context.Context, listen string, h http.Handler) error {
	if at, err := netip.ParseAddrPort(listen); err != nil || !at.Addr().IsLoopback() {
		return &exitError{Misused, fmt.Errorf("--http %s is no loopback address, such as 127.0.0.1:8790", listen)}
	}
	ln, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.Stderr, "intentd: serving on http://%s/, to every user of this machine\n", ln.Addr())
	s := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = s.Close() })
	if err := s.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
