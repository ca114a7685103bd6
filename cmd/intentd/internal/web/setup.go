package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/cmd/intentd/internal/setup"
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/operate"
)

// SetupOptions say what a set-up page makes.
type SetupOptions struct {
	File    string   // the configuration it writes
	Log     *app.Log // of the page
	Quiet   *app.Log // of looks at the CRM
	Command string   // that starts the daemon by hand
	Version string
	// HTTP, where set, carries all requests of CRMs and models.
	HTTP http.RoundTripper
	// Run opens the daemon and starts it, and returns a link to its page, "" where there is none.
	Run func(context.Context, *config.Config) (link string, err error)
}

// Setup is the set-up page: the questions of `intentd init`, the doctor's look, the plan, and one press that makes the fields, writes the
// configuration and starts the daemon.
//
// Promises: nothing is written to the CRM before that press, and nothing beside the configuration's place; a secret is kept in memory until
// then, and on no page.
type Setup struct {
	*door
	o SetupOptions

	one sync.Mutex // one thing at a time is asked or done

	mu       sync.Mutex // guards what follows
	language string     // of the page; "": nobody has looked yet
	answers  setup.Answers
	looked   *setupLook // what the answers led to; nil: not tried
	wrong    string     // why an answer cannot be
	failed   string     // in intentd's own words
	done     *setupDone
}

// setupLook is what the CRM said.
type setupLook struct {
	Findings []app.Checked // what a fresh set-up has by nature left out
	Fine     []app.Checked // what is in order
	Refused  bool          // it cannot go on like this
	Fields   []app.Provisioned
	Make     int // fields that would be made
	Plan     *operate.Plan
	Show     int // changes of the plan to show
}

// setupDone is what the press did.
type setupDone struct {
	Link  string // to the page of the daemon that runs
	Error string // why none does
	Wrote []setup.File
}

// shownChanges are the people whose fields the plan shows.
const shownChanges = 5

// NewSetup is the set-up page.
func NewSetup(o SetupOptions) *Setup {
	s := &Setup{o: o, answers: setup.Answers{CRM: setup.CRMs[0], Timezone: setup.Timezone()}}
	s.door = newDoor(s, "intentd_setup", "su.signin", false)
	s.door.answers(map[string]func(http.ResponseWriter, *http.Request, guest){
		"GET /{$}":    s.look,
		"POST /try":   s.try,
		"POST /again": s.again,
		"POST /write": s.write,
	})
	return s
}

// ServeHTTP implements http.Handler. The page speaks the language of the first browser until another is chosen.
func (s *Setup) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.language == "" {
		s.language = "en"
		if strings.HasPrefix(r.Header.Get("Accept-Language"), "de") {
			s.language = "de"
		}
	}
	s.mu.Unlock()
	s.door.ServeHTTP(w, r)
}

// Config implements host: the default with the page's language.
func (s *Setup) Config() *config.Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	cfg := config.Default()
	cfg.Text.Language, cfg.Text.Timezone = cmp.Or(s.language, "en"), s.answers.Timezone
	return cfg
}

// Now implements host.
func (s *Setup) Now() time.Time { return time.Now() }

// Logger implements host.
func (s *Setup) Logger() *slog.Logger { return s.o.Log.Logger }

// Version implements host.
func (s *Setup) Version() string { return s.o.Version }

// setupView is the page as it stands.
type setupView struct {
	A              setup.Answers // without secrets
	Secret, Key    bool          // they are known
	File, Command  string
	Wrong, Failed  string
	Look           *setupLook
	Done           *setupDone
	CRMs, Journeys []string
	Models, Langs  []string
}

// look shows the page; what a link chooses of it (language, CRM) changes nothing but the page.
func (s *Setup) look(w http.ResponseWriter, r *http.Request, _ guest) {
	s.mu.Lock()
	if lang := r.FormValue("lang"); slices.Contains(setup.Languages, lang) {
		s.language = lang
	}
	if crm := r.FormValue("crm"); slices.Contains(setup.CRMs, crm) && crm != s.answers.CRM && s.looked == nil && s.done == nil {
		s.answers.CRM, s.answers.URL, s.answers.Secret, s.wrong = crm, "", "", ""
	}
	v := setupView{A: s.answers, Secret: s.answers.Secret != "", Key: s.answers.Key != "", File: s.o.File, Command: s.o.Command, Wrong: s.wrong, Failed: s.failed, Look: s.looked, Done: s.done,
		CRMs: setup.CRMs, Journeys: setup.Journeys, Models: setup.Models, Langs: setup.Languages}
	v.A.Secret, v.A.Key = "", ""
	v.A.Language = cmp.Or(v.A.Language, s.language)
	s.mu.Unlock()
	s.show(w, r, http.StatusOK, "setup", v)
}

// again goes back to the questions.
func (s *Setup) again(w http.ResponseWriter, r *http.Request, _ guest) {
	s.one.Lock()
	defer s.one.Unlock()
	s.tell(nil, "", "")
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// tell keeps what the page shows from now on.
func (s *Setup) tell(looked *setupLook, wrong, failed string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looked, s.wrong, s.failed = looked, wrong, failed
}

// try takes the answers and has the CRM looked at by them.
func (s *Setup) try(w http.ResponseWriter, r *http.Request, _ guest) {
	s.one.Lock()
	defer s.one.Unlock()
	defer http.Redirect(w, r, "/", http.StatusSeeOther)
	field := func(name string) string { return strings.TrimSpace(r.PostFormValue(name)) }
	s.mu.Lock()
	if s.done != nil {
		s.mu.Unlock()
		return
	}
	was := s.answers
	a := setup.Answers{CRM: field("crm"), URL: field("url"), ClientID: field("client_id"), Secret: field("secret"), Journeys: field("journeys"), Path: field("path"), Site: field("site"),
		Model: field("model"), Key: field("key"), Language: field("language"), Timezone: field("timezone"), Page: true}
	if a.CRM == was.CRM { // an empty field leaves what was pasted before
		a.Secret = cmp.Or(a.Secret, was.Secret)
	}
	a.Key = cmp.Or(a.Key, was.Key)
	var wrong *setup.Wrong
	err := a.Settle()
	s.answers = a
	s.mu.Unlock()
	if errors.As(err, &wrong) {
		s.tell(nil, "su.wrong."+wrong.Answer, "")
		return
	}
	looked, err := s.ask(r.Context(), a)
	if err != nil {
		s.tell(nil, "", err.Error())
		return
	}
	s.tell(looked, "", "")
}

// ask has the doctor look, and where nothing is in the way plans: it reads alone.
func (s *Setup) ask(ctx context.Context, a setup.Answers) (*setupLook, error) {
	plan, err := setup.Make(a, s.o.File)
	if err == nil {
		err = plan.Free()
	}
	if err != nil {
		return nil, err
	}
	l := &setupLook{}
	err = s.beside(ctx, a, func(t *app.App) error {
		found, err := app.Examine.Do(ctx, t, app.File{})
		if err != nil {
			return err
		}
		for _, f := range found {
			switch {
			case f.Severity == connectors.OK:
				l.Fine = append(l.Fine, f)
			case !setup.Expected(f.Code, f.Severity):
				l.Findings = append(l.Findings, f)
				l.Refused = l.Refused || f.Severity == connectors.Failure
			}
		}
		if l.Refused {
			return nil
		}
		if l.Fields, err = app.Provision.Do(ctx, t, app.ProvisionArguments{}); err != nil {
			return err
		}
		for _, p := range l.Fields {
			if p.Error != "" {
				return errors.New(p.Error)
			}
			for _, step := range p.Steps {
				if step.Field != "" && step.Action == connectors.FieldCreate {
					l.Make++
				}
			}
		}
		l.Plan, err = app.Plan.Do(ctx, t, app.PlanArguments{Limit: 50})
		if err == nil {
			l.Show = min(shownChanges, len(l.Plan.Changes))
			s.Logger().Info("somebody looked at a plan on the set-up page", "people", l.Show)
		}
		return err
	})
	return l, err
}

// beside opens an app by the answers, over files and a state that are gone afterwards.
func (s *Setup) beside(ctx context.Context, a setup.Answers, do func(*app.App) error) (err error) {
	dir, err := os.MkdirTemp("", "intentd-setup-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	a.Write = true // what writing needs is looked at, too; an app that is not started writes nothing
	plan, err := setup.Make(a, filepath.Join(dir, "intentd.yaml"))
	if err != nil {
		return err
	}
	cfg, problems, err := plan.Write(app.Types, false)
	if err == nil {
		err = problems.Err()
	}
	if err != nil {
		return err
	}
	t, done, err := app.Scratch(app.Options{Config: cfg, Path: plan.Config().Path, Log: s.o.Quiet, Version: s.o.Version, HTTP: s.o.HTTP})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	return do(t)
}

// write is the press: from here on the CRM is written to. Whether the browser waits for the end or not, it is done whole.
func (s *Setup) write(w http.ResponseWriter, r *http.Request, g guest) {
	s.one.Lock()
	defer s.one.Unlock()
	defer http.Redirect(w, r, "/", http.StatusSeeOther)
	s.mu.Lock()
	a, looked, done := s.answers, s.looked, s.done
	s.mu.Unlock()
	if looked == nil || looked.Refused || done != nil {
		return
	}
	s.Logger().Info("somebody pressed write on the set-up page", "by", g.by)
	a.Write = true
	made, err := s.make(context.WithoutCancel(r.Context()), a)
	if err != nil {
		s.tell(looked, "", err.Error())
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done, s.looked, s.failed = made, nil, ""
	s.answers.Secret, s.answers.Key = "", ""
}

// make makes the fields, writes the configuration and starts the daemon. An error is about the first two: nothing was written then but, it may
// be, fields. Why no daemon runs is told in what it returns, for the configuration is there.
func (s *Setup) make(ctx context.Context, a setup.Answers) (*setupDone, error) {
	plan, err := setup.Make(a, s.o.File)
	if err == nil {
		err = plan.Free()
	}
	if err == nil {
		err = s.beside(ctx, a, func(t *app.App) error {
			all, err := app.Provision.Do(ctx, t, app.ProvisionArguments{Apply: true})
			for _, p := range all {
				if err == nil && p.Error != "" {
					err = fmt.Errorf("make the fields in %s: %s", p.CRM, p.Error)
				}
			}
			return err
		})
	}
	if err != nil {
		return nil, err
	}
	cfg, problems, err := plan.Write(app.Types, false)
	if err == nil {
		err = problems.Err()
	}
	if err != nil {
		return nil, err
	}
	done := &setupDone{Wrote: plan.Files}
	for i := range done.Wrote {
		done.Wrote[i].Text = "" // it is on the disk
	}
	s.Logger().Info("the set-up page wrote a configuration", "file", s.o.File)
	if done.Link, err = s.o.Run(ctx, cfg); err != nil {
		done.Error = err.Error()
	}
	return done, nil
}
