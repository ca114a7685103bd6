// Command intentd scores how ready people are to buy and writes the score, with its reasons, to the CRM. See package cli for the
// commands.
package main

import (
	"context"
	"os"
	"os/exec"
	"os/signal"
	"runtime/debug"
	"syscall"
	_ "time/tzdata" // an image from scratch has no time zones …

	_ "golang.org/x/crypto/x509roots/fallback" // … and no root certificates
	"golang.org/x/term"

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
	os.Exit(cli.Run(ctx, cli.Process{Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Terminal: term.IsTerminal(int(os.Stdin.Fd())), Hidden: readHidden, Browse: browse, Version: version, Reload: reload}))
}

// readHidden reads a line from the terminal, which shows what is typed again afterwards, also when ctx ends the wait.
func readHidden(ctx context.Context) (string, error) {
	in := int(os.Stdin.Fd())
	before, err := term.GetState(in)
	if err != nil {
		return "", err
	}
	defer context.AfterFunc(ctx, func() { _ = term.Restore(in, before) })()
	line, err := term.ReadPassword(in)
	return string(line), err
}

// browse asks the system to show a link. Where it cannot, the link stands in the terminal.
func browse(link string) {
	cmd := exec.Command(browser[0], append(browser[1:], link)...)
	if cmd.Start() == nil {
		go func() { _ = cmd.Wait() }()
	}
}
