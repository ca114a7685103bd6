// Command intentd scores how ready people are to buy and writes the score, with its reasons, to the CRM. See package cli for the
// commands.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	_ "time/tzdata" // an image from scratch has no time zones …

	_ "golang.org/x/crypto/x509roots/fallback" // … and no root certificates

	"github.com/intentd/intentd/cmd/intentd/internal/cli"
)

// version is set by the linker (-X main.version=…); a build without it tells the module's.
var version string

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)   // a second signal ends the process at once
	signal.Ignore(syscall.SIGPIPE) // `intentd plan | head` still removes its temporary files
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP)
	if info, ok := debug.ReadBuildInfo(); ok && version == "" {
		version = info.Main.Version
	}
	os.Exit(cli.Run(ctx, cli.Process{Args: os.Args[1:], Stdout: os.Stdout, Stderr: os.Stderr, Version: version, Reload: reload}))
}
