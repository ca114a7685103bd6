package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/cmd/intentd/internal/demo"
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/warehouse/throwaway"
	"github.com/intentd/intentd/pipeline/operate"
)

func (c *command) demo() *cobra.Command {
	var serve bool
	var language, crm, source, database string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See it work: a sandbox CRM and bundled journeys, no keys, no network",
		Long: `Fills a sandbox CRM with invented people, takes in what they did, scores them, writes the scores to the CRM and shows what a rep
would see there. Everything happens on this machine, in a temporary directory. With --serve, CRM and daemon stay up to be looked
at with the other commands, and the CRM holds a year of closed deals besides, for intentd backtest and intentd learn.

With --source postgres the journeys lie in a table of a Postgres that is started for the demo, where PostgreSQL's programs are installed, and intentd
asks it for them; with --source clickhouse in one of the ClickHouse that --database names. Another Postgres may be named so, too. The table gets a
schema of its own there, which is dropped at the end.`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if language != "en" && language != "de" {
				return misuse(cmd, "--language is en or de")
			}
			switch crm {
			case "hubspot", "salesforce", "both":
			default:
				return misuse(cmd, "--crm is hubspot, salesforce or both")
			}
			switch {
			case !slices.Contains([]string{"jsonl", "collector", "postgres", "clickhouse"}, source):
				return misuse(cmd, "--source is jsonl, collector, postgres or clickhouse")
			case source == "clickhouse" && database == "":
				return misuse(cmd, "--source clickhouse needs a ClickHouse server: start one (docker run -p 127.0.0.1:8123:8123 clickhouse/clickhouse-server) and name it with --database http://127.0.0.1:8123")
			case database != "" && source != "postgres" && source != "clickhouse":
				return misuse(cmd, "--database goes with --source postgres or clickhouse")
			}
			return c.playDemo(cmd.Context(), demoOptions{crm, source, database, language, serve})
		},
	}
	cmd.Flags().BoolVar(&serve, "serve", false, "keep the sandbox CRM and the daemon running")
	cmd.Flags().StringVar(&crm, "crm", "hubspot", "hubspot, salesforce or both: what the sandbox speaks")
	cmd.Flags().StringVar(&source, "source", "jsonl", "jsonl, collector, postgres or clickhouse: out of a file, sent as trackers do, or from a database")
	cmd.Flags().StringVar(&database, "database", "", "`URL` of a server of your own for --source postgres or clickhouse")
	cmd.Flags().StringVar(&language, "language", "en", "en or de: the language of the texts")
	return cmd
}

// demoOptions are the demo's flags.
type demoOptions struct {
	crm, source, database, language string
	serve                           bool
}

func (c *command) playDemo(ctx context.Context, o demoOptions) error {
	dir, err := os.MkdirTemp("", "intentd-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	people := demo.People(time.Now())
	world := people
	if o.serve { // who looks around may ask what a year of closed deals says of the scores
		world = people.With(demo.ClosedDeals(time.Now()))
	}
	crms, err := boxes(o.crm, world)
	if err != nil {
		return err
	}
	settings := demo.Settings{
		State: filepath.Join(dir, "intentd.db"), Clickstream: filepath.Join(dir, "events.store"), Events: filepath.Join(dir, "events.jsonl"),
		Language: o.language,
	}
	for _, b := range crms {
		if err := b.start(ctx, dir, &settings); err != nil {
			return err
		}
	}
	if o.serve {
		settings.Listen = "127.0.0.1:0"
	}
	if o.source == "collector" {
		settings.WriteKeyFile = filepath.Join(dir, "write_key")
		if err := newFile(settings.WriteKeyFile, func(f *os.File) error { _, err := f.WriteString(rand.Text()); return err }); err != nil {
			return err
		}
	}
	table, gone, err := c.demoDatabase(ctx, o, world, dir, &settings)
	if err != nil {
		return err
	}
	defer gone()
	file := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(file, []byte(demo.ConfigYAML(settings)), 0o600); err != nil {
		return err
	}
	if err := newFile(settings.Events, func(f *os.File) error { return world.WriteJSONL(f) }); err != nil {
		return err
	}
	cfg, problems := config.Load(file, app.Types)
	if cfg == nil {
		return problems
	}
	a, err := app.Open(app.Options{Config: cfg, Path: file, Log: c.quietLog(cfg), Version: c.Version, Page: newPage})
	if err != nil {
		return err
	}
	if !o.serve {
		defer c.closed(a)
	}
	made, err := app.Provision.Do(ctx, a, app.ProvisionArguments{Apply: true})
	for i := range made {
		if err == nil && made[i].Error != "" {
			err = errors.New(made[i].Error)
		}
	}
	if err == nil && o.source == "collector" {
		err = sendAll(ctx, a, settings.WriteKeyFile, world)
	}
	if err == nil {
		stop := c.progress(ctx, func() string { return a.Waiting(ctx) })
		_, err = a.Once(ctx)
		stop()
	}
	if err == nil {
		err = c.showLeads(ctx, a, crms[0], people, cfg)
	}
	if err != nil || !o.serve {
		if o.serve {
			c.closed(a)
		}
		return err
	}
	return c.serveDemo(ctx, a, crms, settings, file, table)
}

// dealsInABox serves a CRM with the demo's closed deals, and is the configuration that names it and what their people did. Both are gone after gone.
func (c *command) dealsInABox(ctx context.Context) (cfg *config.Config, gone func(), err error) {
	dir, err := os.MkdirTemp("", "intentd-demo-")
	if err != nil {
		return nil, nil, err
	}
	ctx, end := context.WithCancel(ctx)
	gone = func() {
		end()
		os.RemoveAll(dir)
	}
	people := demo.ClosedDeals(time.Now())
	settings := demo.Settings{State: filepath.Join(dir, "intentd.db"), Clickstream: filepath.Join(dir, "events.store"), Events: filepath.Join(dir, "events.jsonl")}
	box, err := newHubSpotBox(people)
	if err == nil {
		err = box.start(ctx, dir, &settings)
	}
	file := filepath.Join(dir, "config.yaml")
	if err == nil {
		err = newFile(settings.Events, func(f *os.File) error { return people.WriteJSONL(f) })
	}
	if err == nil {
		err = os.WriteFile(file, []byte(demo.ConfigYAML(settings)), 0o600)
	}
	if err == nil {
		var problems config.Problems
		cfg, problems = config.Load(file, app.Types)
		err = problems.Err()
	}
	if err != nil {
		gone()
		return nil, nil, err
	}
	return cfg, gone, nil
}

// sendAll sends everything that people did to the app's collector, over the loopback.
func sendAll(ctx context.Context, a *app.App, keyFile string, people demo.Population) error {
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := &http.Server{Handler: a.InletHandler(demo.Source), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = s.Serve(ln) }()
	defer s.Close()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for body, err := range people.Batches() {
		if err != nil {
			return err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+ln.Addr().String()+"/v1/batch", bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.SetBasicAuth(string(key), "")
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("the collector answered %s", resp.Status)
		}
	}
	return nil
}

// demoDatabase loads everything that people did into a table of a database, which is gone after gone; nil for the other sources.
func (c *command) demoDatabase(ctx context.Context, o demoOptions, people demo.Population, dir string, s *demo.Settings) (table *demo.Database, gone func(), err error) {
	if o.source != "postgres" && o.source != "clickhouse" {
		return nil, func() {}, nil
	}
	stop := func() {}
	if o.database == "" {
		server, err := throwaway.StartPostgres(ctx)
		if err != nil {
			return nil, nil, fmt.Errorf("--source postgres: %w, or name a server with --database", err)
		}
		o.database, stop = server.URL, server.Stop
	}
	table = &demo.Database{Dialect: o.source, URL: o.database, Schema: "intentd_demo_" + strings.ToLower(rand.Text()[:8])}
	gone = func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
		defer cancel()
		if err := table.Drop(end); err != nil {
			fmt.Fprintf(c.Stderr, "intentd: the schema %s could not be dropped: %v\n", table.Schema, err)
		}
		stop()
	}
	s.Dialect, s.Schema, s.DatabaseFile = table.Dialect, table.Schema, filepath.Join(dir, "database_url")
	if err = os.WriteFile(s.DatabaseFile, []byte(table.URL+"\n"), 0o600); err == nil {
		err = table.Fill(ctx, people.Events)
	}
	if err != nil {
		_ = table.Drop(ctx) // as far as it was made
		stop()
		return nil, nil, err
	}
	return table, gone, nil
}

// showLeads prints what a rep would see in the CRM, from the CRM, and the receipt of whoever comes first.
func (c *command) showLeads(ctx context.Context, a *app.App, crm box, people demo.Population, cfg *config.Config) error {
	leads := people.Leads(crm.values)
	if c.json {
		return c.print(leads, nil)
	}
	o := demo.PrintOptions{Location: cfg.Text.Location(), Filtered: operate.StatusOf(a.Pipeline()).Filtered}
	best := ""
	for _, contact := range people.Contacts {
		r, err := app.Explain.Do(ctx, a, app.Who{Who: contact.Properties["email"]})
		if err != nil {
			continue // never scored, or merged away
		}
		if score := r.Written[connectors.FieldScore]; len(score) > len(best) || len(score) == len(best) && score > best {
			best, o.Receipt = score, r
			o.Of = contact.Properties["firstname"] + " " + contact.Properties["lastname"]
		}
	}
	return demo.Print(c.Stdout, leads, o)
}

// serveDemo keeps CRM and daemon up, and says how to look around.
func (c *command) serveDemo(ctx context.Context, a *app.App, crms []box, s demo.Settings, file string, table *demo.Database) error {
	if err := a.Start(ctx); err != nil {
		return errors.Join(err, a.Close())
	}
	link, err := app.OpenPage.Do(ctx, a, app.Nothing{})
	if err != nil {
		return errors.Join(err, a.Stop(ctx))
	}
	writeServing(c.Stdout, crms, s, link, a.Inlet(demo.Source), file, table)
	watching, stop := context.WithCancel(ctx)
	defer stop()
	for _, b := range crms {
		go c.watch(watching, b)
	}
	return c.attend(ctx, a)
}

// watch prints every change of a score in a sandbox CRM until ctx ends.
func (c *command) watch(ctx context.Context, crm box) {
	last := crm.shown()
	look := time.NewTicker(time.Second)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		now := crm.shown()
		for record, after := range now {
			before, known := last[record]
			if !known {
				before = scoreText("", "")
			}
			if before != after {
				fmt.Fprintf(c.Stdout, "%s  %s: %s → %s\n", time.Now().Format(time.TimeOnly), crm.name(record), before, after)
			}
		}
		last = now
	}
}

func writeServing(w io.Writer, crms []box, s demo.Settings, link app.PageLink, inlet, file string, table *demo.Database) {
	var at, edits []string
	for _, base := range []string{s.CRM, s.Salesforce} {
		if base != "" {
			at = append(at, base)
		}
	}
	for _, b := range crms {
		edits = append(edits, b.edit())
	}
	how, does := "by adding a line to the event file", `echo '{"time":"'$(date -u +%FT%TZ)'","kind":"demo_request","email":"EMAIL","url":"https://www.larkfield.example/demo"}' >> `+s.Events
	if inlet != "" {
		how = "by sending it to the collector"
		does = `curl -u "$(cat ` + s.WriteKeyFile + `):" http://` + inlet + `/v1/track -d '{"event":"Demo Requested","userId":"EMAIL","context":{"page":{"url":"https://www.larkfield.example/demo"}}}'`
	}
	backtest := fmt.Sprintf("  intentd -c %s backtest\n", file)
	if inlet != "" {
		backtest = "" // the daemon keeps what it was sent, and a backtest has no state
	}
	if table != nil {
		how, does = "by adding a row to the table", table.AddRow(s.DatabaseFile)
	}
	fmt.Fprintf(w, `
Open intentd's page in a browser; the link works once, until %[7]s, and intentd page prints another:

  %[2]s

The sandbox CRM answers at %[1]s. In another terminal:

  intentd -c %[3]s status
  intentd -c %[3]s plan
  intentd -c %[3]s explain p1
  intentd -c %[3]s page

It holds a year of closed deals, too, of people of their own. What was the score worth, and what do they teach?

%[8]s  intentd -c %[3]s learn

Have somebody do something, %[5]s; within 10 seconds the score follows, and a line below tells:

  %[6]s

Or edit a record as a rep would, for example make somebody a customer, whose visits do not count:

%[4]s

Or change the configuration (intentd -c %[3]s plan --against FILE says beforehand what a file would do), and have it read again: kill -HUP %[9]d

Ctrl-C ends everything and removes it.
`, strings.Join(at, " and "), link.URL, file, strings.Join(edits, "\n\n"), how, does, link.Until.Local().Format(time.TimeOnly), backtest, os.Getpid())
}
