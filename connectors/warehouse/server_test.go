package warehouse

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A Postgres of the tests' own, on a free port of the loopback, started by the first test that asks and stopped at the end.
var server struct {
	once sync.Once
	url  string
	why  string // it could not be started
	stop func()
}

func TestMain(m *testing.M) {
	code := m.Run()
	if server.stop != nil {
		server.stop()
	}
	os.Exit(code)
}

// postgresURL is a database of its own for a test.
func postgresURL(t *testing.T) string {
	t.Helper()
	server.once.Do(startPostgres)
	if server.url == "" {
		t.Skip("skipped: needs a Postgres server (Debian's postgresql): " + server.why)
	}
	name := "t" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(t.Name()))
	name = fmt.Sprintf("%.40s_%d", name, databases.next())
	execSQL(t, server.url, "CREATE DATABASE "+name)
	return strings.Replace(server.url, "/postgres?", "/"+name+"?", 1)
}

type counter struct {
	sync.Mutex
	n int
}

func (c *counter) next() int {
	c.Lock()
	defer c.Unlock()
	c.n++
	return c.n
}

var databases counter

func startPostgres() {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if p, err := exec.LookPath("initdb"); err == nil {
		found = append(found, p)
	}
	if len(found) == 0 {
		server.why = "no initdb was found"
		return
	}
	slices.Sort(found)
	bin := filepath.Dir(found[len(found)-1])
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		server.why = err.Error()
		return
	}
	as := func(command string) *exec.Cmd { return exec.Command("sh", "-c", command) }
	if os.Getuid() == 0 { // initdb refuses root
		if _, err := user.Lookup("postgres"); err != nil {
			server.why = "it does not run as root, and there is no user postgres"
			return
		}
		_ = exec.Command("chown", "postgres", dir).Run()
		as = func(command string) *exec.Cmd { return exec.Command("su", "postgres", "-s", "/bin/sh", "-c", command) }
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		server.why = err.Error()
		return
	}
	port := free.Addr().(*net.TCPAddr).Port
	_ = free.Close()
	data := filepath.Join(dir, "data")
	server.stop = func() {
		_ = as(fmt.Sprintf("%s/pg_ctl -D %s -m immediate -w stop", bin, data)).Run()
		_ = os.RemoveAll(dir)
	}
	for _, command := range []string{
		fmt.Sprintf("%s/initdb -D %s -A trust -U intentd -E UTF8 --no-sync", bin, data),
		fmt.Sprintf("%s/pg_ctl -D %s -l %s/log -o '-p %d -k %s -c listen_addresses=127.0.0.1 -c fsync=off' -w start", bin, data, dir, port, dir),
	} {
		if out, err := as("cd / && " + command).CombinedOutput(); err != nil {
			server.why = fmt.Sprintf("%v: %s", err, out)
			return
		}
	}
	server.url = fmt.Sprintf("postgres://intentd@127.0.0.1:%d/postgres?sslmode=disable", port)
}
