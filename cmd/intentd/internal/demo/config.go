package demo

import (
	_ "embed"
	"encoding/json"
	"strings"
	"text/template"
)

// Settings are the places that a demo's configuration names.
type Settings struct {
	State       string // path of the state file
	Clickstream string // directory of the event store
	Events      string // file, or directory, of the JSON lines
	// WriteKeyFile holds the key by which a collector is sent the events instead; "": they are in Events.
	WriteKeyFile string
	// Dialect, where set, says that the events are in a database (postgres or clickhouse), whose URL DatabaseFile holds, in Schema.
	Dialect, DatabaseFile, Schema string

	Listen     string // address of health and metrics; "": none
	CRM        string // base URL of the HubSpot sandbox; "": none
	TokenFile  string // file that holds its access token
	Salesforce string // base URL of the Salesforce sandbox; "": none
	// SalesforceClient is the consumer key of the sandbox's app, SalesforceSecretFile the file that holds its secret.
	SalesforceClient, SalesforceSecretFile string
	Language                               string // en | de; "": en
	Timezone                               string // IANA name; "": UTC
}

//go:embed config.yaml.tmpl
var configTemplate string

var configFile = template.Must(template.New("config.yaml").Funcs(template.FuncMap{"quote": quote}).Parse(configTemplate))

// quote writes s as a double-quoted YAML scalar; YAML reads JSON's.
func quote(s string) (string, error) {
	b, err := json.Marshal(s)
	return string(b), err
}

// ConfigYAML is the text of the demo's whole config.yaml.
func ConfigYAML(s Settings) string {
	if s.Language == "" {
		s.Language = "en"
	}
	if s.Timezone == "" {
		s.Timezone = "UTC"
	}
	var b strings.Builder
	if err := configFile.Execute(&b, s); err != nil {
		panic("demo: config.yaml.tmpl: " + err.Error()) // a fault of the embedded template alone
	}
	return b.String()
}
