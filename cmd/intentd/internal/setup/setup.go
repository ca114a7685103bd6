// Package setup makes a first configuration of a few answers: the text of the file, and the secrets beside it.
//
// Terms: an [Answers] is what somebody said; a [Plan] is what would be on the disk; a secret file holds one secret alone, with mode 0600.
//
// Promises: no secret stands in the configuration; nothing that is there is overwritten unless it was asked for; what is written loads, for
// a plan whose configuration has a mistake leaves nothing behind.
package setup

import (
	"cmp"
	"crypto/rand"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/connectors"
)

// Where journeys come from.
const (
	FromCRM       = "crm"       // what the CRM itself knows of
	FromFiles     = "files"     // JSON lines
	FromCollector = "collector" // trackers send them here
)

// Journeys, CRMs, Models and Languages are the answers that can be given.
var (
	CRMs      = []string{"hubspot", "salesforce"}
	Journeys  = []string{FromCRM, FromFiles, FromCollector}
	Models    = []string{config.Rules, "gemini"}
	Languages = []string{"en", "de"}
)

// Answers say what intentd is to work with. A secret is given as its value, which goes into a file of its own, or as the path of a file
// that holds it.
type Answers struct {
	CRM        string // hubspot | salesforce
	URL        string // Salesforce: the org's My Domain; HubSpot: "" for its own
	ClientID   string // Salesforce: the consumer key of the app
	Secret     string // HubSpot's token, Salesforce's consumer secret
	SecretFile string
	Journeys   string // crm | files | collector
	Path       string // of the files
	Site       string // host of the company's site; "": none is named
	Model      string // rules | gemini
	Key        string // the model's
	KeyFile    string
	Language   string // en | de
	Timezone   string // IANA name
	Write      bool   // scores are written from the start
	Page       bool   // intentd's page is on
}

// Wrong is an answer that cannot be.
type Wrong struct {
	Answer string // crm, journeys, model, language, timezone, secret, org, path or key
	Why    string // in the words of init's flags
}

func (w *Wrong) Error() string { return w.Why }

// Settle fills in defaults. Where an answer is missing or does not exist, the error is a *Wrong.
func (a *Answers) Settle() error {
	for _, one := range []struct {
		value   *string
		name    string
		choices []string
		usual   string
	}{
		{&a.CRM, "crm", CRMs, ""},
		{&a.Journeys, "journeys", Journeys, FromCRM},
		{&a.Model, "model", Models, config.Rules},
		{&a.Language, "language", Languages, "en"},
	} {
		*one.value = cmp.Or(*one.value, one.usual)
		if !slices.Contains(one.choices, *one.value) {
			return &Wrong{one.name, fmt.Sprintf("--%s is %s", one.name, Either(one.choices))}
		}
	}
	if _, err := time.LoadLocation(a.Timezone); err != nil || a.Timezone == "" {
		return &Wrong{"timezone", fmt.Sprintf("--timezone: there is no %q; write for example Europe/Berlin", a.Timezone)}
	}
	switch {
	case a.Secret != "" && a.SecretFile != "":
		return &Wrong{"secret", "both --token and --token-file are given"}
	case a.Secret == "" && a.SecretFile == "":
		return &Wrong{"secret", "the credentials are missing: --token-file FILE, or - for standard input"}
	case a.CRM == "salesforce" && (a.URL == "" || a.ClientID == ""):
		return &Wrong{"org", "Salesforce needs --url (the org's My Domain) and --client-id (the app's consumer key)"}
	case a.Journeys == FromFiles && a.Path == "":
		return &Wrong{"path", "--journeys files needs --path"}
	case a.Model != config.Rules && a.Key == "" && a.KeyFile == "":
		return &Wrong{"key", fmt.Sprintf("--model %s needs --key-file", a.Model)}
	}
	return nil
}

// Either names choices in a sentence.
func Either(choices []string) string {
	last := len(choices) - 1
	return strings.Join(choices[:last], ", ") + " or " + choices[last]
}

// File is one file of a plan, which its owner alone may read.
type File struct {
	Path   string
	Text   string
	Secret bool
}

// Plan is what a set-up writes: the configuration last, so that one which is there has all it names.
type Plan struct{ Files []File }

// Config is the configuration file.
func (p *Plan) Config() File { return p.Files[len(p.Files)-1] }

//go:embed config.yaml.tmpl
var text string

var file = template.Must(template.New("config.yaml").Funcs(template.FuncMap{"quote": quote}).Parse(text))

// quote writes s as a double-quoted YAML scalar; YAML reads JSON's.
func quote(s string) (string, error) {
	b, err := json.Marshal(s)
	return string(b), err
}

// Make plans the configuration at path.
func Make(a Answers, path string) (*Plan, error) {
	p := &Plan{}
	dir := filepath.Dir(path)
	secret := func(name, value, given string) string {
		if value == "" {
			return reach(dir, given)
		}
		p.Files = append(p.Files, File{filepath.Join(dir, name), value + "\n", true})
		return "./" + name
	}
	if a.CRM == "hubspot" {
		a.SecretFile = secret("hubspot_token", a.Secret, a.SecretFile)
	} else {
		a.SecretFile = secret("salesforce_client_secret", a.Secret, a.SecretFile)
	}
	if a.Model != config.Rules {
		a.KeyFile = secret(a.Model+"_key", a.Key, a.KeyFile)
	}
	if a.Journeys == FromCollector {
		for _, name := range []string{"browser_write_key", "server_write_key"} {
			secret(name, newKey(), "")
		}
	}
	a.Path = reach(dir, a.Path)
	var b strings.Builder
	if err := file.Execute(&b, struct {
		Answers
		Domain string
	}{a, strings.TrimPrefix(a.Site, "www.")}); err != nil {
		return nil, err
	}
	p.Files = append(p.Files, File{Path: path, Text: b.String()})
	return p, nil
}

// reach is how a configuration in dir names a path that was given relative to the working directory.
func reach(dir, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	from, err := filepath.Abs(dir)
	if err != nil {
		return path
	}
	to, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	if near, err := filepath.Rel(from, to); err == nil && filepath.IsLocal(near) {
		return "./" + filepath.ToSlash(near)
	}
	return to
}

// newKey is a write key that nobody guesses.
func newKey() string {
	b := make([]byte, 16)
	rand.Read(b) // it never fails
	return hex.EncodeToString(b)
}

// ExistsError names what a set-up would overwrite.
type ExistsError struct{ Path string }

func (e *ExistsError) Error() string { return e.Path + " exists already" }

// Free is an *ExistsError where the plan would overwrite something.
func (p *Plan) Free() error {
	for _, f := range p.Files {
		if _, err := os.Lstat(f.Path); !errors.Is(err, fs.ErrNotExist) {
			return &ExistsError{f.Path}
		}
	}
	return nil
}

// Write writes the plan and reads it back. Without force nothing that exists is touched: the error is then an *ExistsError. Where the
// configuration does not load, its problems are told and what was there before is there again.
func (p *Plan) Write(types config.Types, force bool) (*config.Config, config.Problems, error) {
	if !force {
		if err := p.Free(); err != nil {
			return nil, nil, err
		}
	}
	if err := os.MkdirAll(filepath.Dir(p.Config().Path), 0o700); err != nil {
		return nil, nil, err
	}
	var undo []func() error
	back := func(err error) error {
		for _, f := range undo {
			err = errors.Join(err, f())
		}
		return err
	}
	for _, f := range p.Files {
		before, err := put(f)
		if err != nil {
			return nil, nil, back(err)
		}
		undo = append(undo, before)
	}
	cfg, problems := config.Load(p.Config().Path, types)
	if problems.Err() != nil {
		return nil, problems, back(nil)
	}
	return cfg, problems, nil
}

// put moves a file into place whole, and returns what undoes it.
func put(f File) (undo func() error, err error) {
	old, err := os.ReadFile(f.Path)
	switch {
	case err == nil:
		undo = func() error { return replace(f.Path, old) }
	case errors.Is(err, fs.ErrNotExist):
		undo = func() error { return os.Remove(f.Path) }
	default:
		return nil, err
	}
	return undo, replace(f.Path, []byte(f.Text))
}

// replace writes a file of mode 0600, which CreateTemp gives it.
func replace(path string, text []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(text)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
}

// Timezone is the machine's, by its IANA name; UTC where it tells none.
func Timezone() string {
	link, _ := os.Readlink("/etc/localtime")
	_, linked, _ := strings.Cut(filepath.ToSlash(link), "/zoneinfo/")
	for _, name := range []string{os.Getenv("TZ"), linked} {
		if name == "" || name == "Local" {
			continue
		}
		if _, err := time.LoadLocation(name); err == nil {
			return name
		}
	}
	return "UTC"
}

// Expected says of a doctor's finding that a fresh set-up has it by nature: its fields are not made yet, and nothing is written.
func Expected(code string, severity connectors.Severity) bool {
	switch code {
	case "hubspot.property_missing", "salesforce.field_missing", "write.off":
		return true
	}
	return severity == connectors.OK
}
