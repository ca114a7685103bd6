// Package throwaway starts a database server on the loopback that is gone with whoever started it, for the demo and for tests. Nothing of it is
// safe against a crash, and whoever can reach the port can read it.
package throwaway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
)

// ErrMissing says that PostgreSQL is not installed on this machine, and what to install.
var ErrMissing = errors.New("PostgreSQL's initdb is not on this machine: install it (apt-get install postgresql, dnf install postgresql-server, brew install postgresql)")

// Postgres is a running server with a data directory of its own.
type Postgres struct {
	URL string // of its database postgres, for a user who may do everything

	bin, dir string
	as       func(ctx context.Context, command string) *exec.Cmd
}

// StartPostgres starts a server on a free port of the loopback. It takes some seconds.
func StartPostgres(ctx context.Context) (*Postgres, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	p := &Postgres{bin: bin}
	p.as = func(ctx context.Context, command string) *exec.Cmd {
		return exec.CommandContext(ctx, "sh", "-c", command)
	}
	owner := ""
	if os.Getuid() == 0 { // initdb refuses root
		if _, err := user.Lookup("postgres"); err != nil {
			return nil, errors.New("PostgreSQL does not run as root, and there is no user postgres: run this as another user")
		}
		owner = "postgres"
		p.as = func(ctx context.Context, command string) *exec.Cmd {
			return exec.CommandContext(ctx, "su", owner, "-s", "/bin/sh", "-c", command)
		}
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	if p.dir, err = os.MkdirTemp("", "intentd-pg-"); err != nil {
		return nil, err
	}
	if owner != "" {
		err = exec.CommandContext(ctx, "chown", owner, p.dir).Run()
	}
	for _, command := range []string{
		fmt.Sprintf("%s/initdb -D %s/data -A trust -U intentd -E UTF8 --no-sync", bin, p.dir),
		fmt.Sprintf("%s/pg_ctl -D %s/data -l %s/log -o '-p %d -k %s -c listen_addresses=127.0.0.1 -c fsync=off' -w start", bin, p.dir, p.dir, port, p.dir),
	} {
		if err != nil {
			break
		}
		var out []byte
		if out, err = p.as(ctx, "cd / && "+command).CombinedOutput(); err != nil {
			err = fmt.Errorf("start PostgreSQL: %w: %s", err, strings.TrimSpace(string(out)))
		}
	}
	if err != nil {
		p.Stop()
		return nil, err
	}
	p.URL = fmt.Sprintf("postgres://intentd@127.0.0.1:%d/postgres?sslmode=disable", port)
	return p, nil
}

// Stop ends the server and removes its data.
func (p *Postgres) Stop() {
	_ = p.as(context.Background(), fmt.Sprintf("cd / && %s/pg_ctl -D %s/data -m immediate -w stop", p.bin, p.dir)).Run()
	_ = os.RemoveAll(p.dir)
}

// binaries is where the newest initdb is.
func binaries() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // Debian's
	if p, err := exec.LookPath("initdb"); err == nil {
		found = append(found, p)
	}
	if len(found) == 0 {
		return "", ErrMissing
	}
	slices.Sort(found)
	return filepath.Dir(found[len(found)-1]), nil
}

func freePort() (int, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port, nil
}
