package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/cmd/intentd/internal/demo"
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/sandbox"
)

func (c *command) demo() *cobra.Command {
	var serve bool
	var language string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See it work: a sandbox CRM and bundled journeys, no keys, no network",
		Long: `Fills a sandbox CRM with invented people, takes in what they did, scores them, writes the scores to the CRM and shows what a rep
would see there. Everything happens on this machine, in a temporary directory. With --serve, CRM and daemon stay up to be looked
at with the other commands.`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if language != "en" && language != "de" {
				return misuse(cmd, "--language is en or de")
			}
			return c.playDemo(cmd.Context(), serve, language)
		},
	}
	cmd.Flags().BoolVar(&serve, "serve", false, "keep the sandbox CRM and the daemon running")
	cmd.Flags().StringVar(&language, "language", "en", "en or de: the language of the texts")
	return cmd
}

// demoToken opens the demo's own sandbox and nothing else.
const demoToken = "pat-na1-demo"

func (c *command) playDemo(ctx context.Context, serve bool, language string) error {
	dir, err := os.MkdirTemp("", "intentd-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	portal := sandbox.NewHubSpot(sandbox.HubSpotOptions{Token: demoToken})
	people := demo.People(time.Now())
	if err := fillPortal(portal, people); err != nil {
		return err
	}
	base, err := portal.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		return err
	}
	settings := demo.Settings{
		State: filepath.Join(dir, "intentd.db"), Clickstream: filepath.Join(dir, "events.store"), Events: filepath.Join(dir, "events.jsonl"),
		CRM: base, TokenFile: filepath.Join(dir, "hubspot_token"), Language: language,
	}
	if serve {
		settings.Listen = "127.0.0.1:0"
	}
	file := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(settings.TokenFile, []byte(demoToken+"\n"), 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(file, []byte(demo.ConfigYAML(settings)), 0o600); err != nil {
		return err
	}
	if err := newFile(settings.Events, func(f *os.File) error { return people.WriteJSONL(f) }); err != nil {
		return err
	}
	cfg, problems := config.Load(file)
	if cfg == nil {
		return problems
	}
	a, err := app.Open(app.Options{Config: cfg, Path: file, Log: c.quietLog(cfg), Version: c.Version})
	if err != nil {
		return err
	}
	if !serve {
		defer c.closed(a)
	}
	made, err := app.Provision.Do(ctx, a, app.ProvisionArguments{Apply: true})
	if err == nil && made[0].Error != "" {
		err = errors.New(made[0].Error)
	}
	if err == nil {
		stop := c.progress(ctx, a.Waiting)
		_, err = a.Once(ctx)
		stop()
	}
	if err == nil {
		err = c.showLeads(ctx, a, portal, people, cfg)
	}
	if err != nil || !serve {
		if serve {
			c.closed(a)
		}
		return err
	}
	return c.serveDemo(ctx, a, portal, base, file)
}

// fillPortal makes the demo's records, and the merges that its reps did.
func fillPortal(portal *sandbox.HubSpot, people demo.Population) error {
	ids := map[string]string{}
	for _, contact := range people.Contacts {
		ids[contact.Key] = portal.CreateContact(contact.Properties)
	}
	for _, m := range people.Merges {
		if _, err := portal.Merge(ids[m.Winner], ids[m.Loser]); err != nil {
			return err
		}
	}
	return nil
}

// showLeads prints what a rep would see in the CRM, from the CRM, and the receipt of whoever comes first.
func (c *command) showLeads(ctx context.Context, a *app.App, portal *sandbox.HubSpot, people demo.Population, cfg *config.Config) error {
	leads := people.Leads(func(email string) (map[string]string, bool) {
		id, ok := portal.ContactByEmail(email)
		if !ok {
			return nil, false
		}
		return portal.Contact(id)
	})
	if c.json {
		return c.print(leads, nil)
	}
	o := demo.PrintOptions{Location: cfg.Text.Location(), Filtered: a.Pipeline().Status().Filtered}
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
func (c *command) serveDemo(ctx context.Context, a *app.App, portal *sandbox.HubSpot, base, file string) error {
	if err := a.Start(ctx); err != nil {
		return errors.Join(err, a.Close())
	}
	writeServing(c.Stdout, base, a.Addr(), file)
	watching, stop := context.WithCancel(ctx)
	defer stop()
	go c.watch(watching, portal)
	var failed error
	select {
	case <-ctx.Done():
	case failed = <-a.Failed():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	return errors.Join(failed, a.Stop(end))
}

// watch prints every change of a score in the sandbox CRM until ctx ends.
func (c *command) watch(ctx context.Context, portal *sandbox.HubSpot) {
	shown := func(v map[string]string) string {
		if v["intent_score"] == "" {
			return "no score"
		}
		return v["intent_score"] + " " + v["intent_tier"]
	}
	last := portal.Content("intent_score", "intent_tier")
	look := time.NewTicker(time.Second)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		now := portal.Content("intent_score", "intent_tier")
		for id, v := range now {
			if before, after := shown(last[id]), shown(v); before != after {
				contact, _ := portal.Contact(id)
				fmt.Fprintf(c.Stdout, "%s  %s %s: %s → %s\n", time.Now().Format(time.TimeOnly), contact["firstname"], contact["lastname"], before, after)
			}
		}
		last = now
	}
}

func writeServing(w io.Writer, base, addr, file string) {
	fmt.Fprintf(w, `
The sandbox CRM answers at %s, intentd's health and metrics at http://%s. In another terminal:

  intentd -c %[3]s status
  intentd -c %[3]s plan
  intentd -c %[3]s explain hubspot/contacts/1

Edit somebody as a rep would, for example make them a customer, whose visits do not count, or set a verdict; within 10 seconds the
score follows, and a line below tells:

  curl -X PATCH -H 'Authorization: Bearer %[4]s' -H 'Content-Type: application/json' \
    %[1]s/crm/v3/objects/contacts/1 -d '{"properties":{"lifecyclestage":"customer"}}'

Or have them do something, by adding a line to %[5]s:

  echo '{"time":"'$(date -u +%%FT%%TZ)'","kind":"demo_request","email":"EMAIL","url":"https://www.larkfield.example/demo"}' >> %[5]s

Ctrl-C ends both and removes everything.
`, base, addr, file, demoToken, filepath.Join(filepath.Dir(file), "events.jsonl"))
}
