package warehouse

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/intentd/intentd/connectors/warehouse/throwaway"
)

// A Postgres of the tests' own, on a free port of the loopback, started by the first test that asks and stopped at the end.
var server struct {
	once sync.Once
	*throwaway.Postgres
	err error // it could not be started
}

func TestMain(m *testing.M) {
	code := m.Run()
	if server.Postgres != nil {
		server.Stop()
	}
	os.Exit(code)
}

// postgresURL is a database of its own for a test.
func postgresURL(t *testing.T) string {
	t.Helper()
	server.once.Do(func() { server.Postgres, server.err = throwaway.StartPostgres(context.Background()) })
	if server.err != nil {
		t.Skip("skipped: needs a Postgres server: " + server.err.Error())
	}
	name := "t" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(t.Name()))
	name = fmt.Sprintf("%.40s_%d", name, databases.next())
	execSQL(t, server.URL, "CREATE DATABASE "+name)
	return strings.Replace(server.URL, "/postgres?", "/"+name+"?", 1)
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
