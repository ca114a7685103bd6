package hubspot

import (
	"strings"
	"testing"
	"time"

	"github.com/intentd/intentd/connectors"
)

// Promise: a journal takes an app beside the one credential that reads contacts; each that is missing or too many is told. It is polled
// every few seconds, what HubSpot recorded of people once a minute as before.
func TestConfigOfTheJournal(t *testing.T) {
	secret := connectors.NewSecret("a-secret")
	service := Config{Changes: byJournal, ClientID: "app", ClientSecret: secret, Token: secret}
	for name, of := range map[string]struct {
		change func(o *Config)
		want   string
	}{
		"service key and app":    {func(o *Config) {}, ""},
		"app alone":              {func(o *Config) { o.Token, o.RefreshToken = connectors.Secret{}, secret }, ""},
		"service key alone":      {func(o *Config) { o.ClientID, o.ClientSecret = "", connectors.Secret{} }, "client_id: missing"},
		"no secret":              {func(o *Config) { o.ClientSecret = connectors.Secret{} }, "client_secret: the app's secret is missing"},
		"nothing reads contacts": {func(o *Config) { o.Token = connectors.Secret{} }, "token: the access token"},
		"both read contacts":     {func(o *Config) { o.RefreshToken = secret }, "token: both"},
		"another word":           {func(o *Config) { o.Changes = "journals" }, "changes:"},
		"another journal":        {func(o *Config) { o.Journal = "all" }, "journal:"},
	} {
		o := Type.Settings().(*Config)
		o.Changes, o.ClientID, o.ClientSecret, o.Token = service.Changes, service.ClientID, service.ClientSecret, service.Token
		of.change(o)
		var problems []connectors.Problem
		o.Check(connectors.NewCheck("", &problems))
		switch {
		case of.want == "" && len(problems) > 0:
			t.Errorf("%s: %v", name, problems)
		case of.want != "" && (len(problems) == 0 || !strings.HasPrefix(problems[0].String(), of.want)):
			t.Errorf("%s: %v, want %s", name, problems, of.want)
		}
		if of.want != "" {
			continue
		}
		made, err := o.Connect(connectors.CRMHost{Host: connectors.Host{Name: "hubspot", Poll: 5 * time.Second}})
		must(t, err)
		if o.PollBy() != "@every 5s" || made.SourcePoll != "@every 1m" || made.CRM.(*Client).journal == nil {
			t.Errorf("%s: polled %s, its sources %s", name, o.PollBy(), made.SourcePoll)
		}
	}
	if o := Type.Settings().(*Config); o.PollBy() != "" {
		t.Error("a search is polled as a journal")
	}
}
