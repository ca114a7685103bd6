package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/disk"
	"github.com/intentd/intentd/pipeline/operate"
	"github.com/intentd/intentd/state"
)

// Checked is one finding of the doctor with what it is about.
type Checked struct {
	About    string              `json:"about"` // a connector's name, or config, state, clock, write …
	Code     string              `json:"code"`  // stable: docs/runbook.md is keyed by it
	Severity connectors.Severity `json:"severity"`
	Message  string              `json:"message"`
	Fix      string              `json:"fix,omitempty"`
}

// Examine is the doctor's look at everything but the config file: connectors live, state, clock, write mode. It changes
// nothing.
var Examine = operation("examine", (*App).examine)

// lowDisk is the free space below which the doctor warns: room for a compaction of a state of a few million people.
const lowDisk = 2 << 30

// fullDisk is where writing is about to fail.
const fullDisk = 100 << 20

// noRoom is where work does not begin: what is journalled would go to the CRM, and its acknowledgement could not be kept.
const noRoom = 4 << 20

// room refuses to begin work on a full disk.
func (a *App) room() error {
	if free, ok := disk.Free(a.cfg.State.Path); ok && free < noRoom {
		return fmt.Errorf("the disk is full: %d KiB are free beside the state file %s, 4 MiB are the least to begin with; free some space, nothing was lost", free>>10, a.cfg.State.Path)
	}
	return nil
}

// FileFindings are the doctor's words for what was found in a config file.
func FileFindings(path string, problems config.Problems) []Checked {
	var out []Checked
	for _, p := range problems {
		f := Checked{About: "config", Code: "config.invalid", Severity: connectors.Failure, Message: path + ": " + config.Problem{Path: p.Path, Line: p.Line, Message: p.Message}.String(), Fix: p.Fix}
		if p.Warning {
			f.Code, f.Severity = "config.warning", connectors.Warning
		}
		out = append(out, f)
	}
	if problems.Err() == nil {
		out = append(out, Checked{About: "config", Code: "config.ok", Severity: connectors.OK, Message: path + " is in order"})
	}
	return out
}

func (a *App) examine(ctx context.Context, file File) ([]Checked, error) {
	var out []Checked
	add := func(about, code string, severity connectors.Severity, fix, format string, args ...any) {
		out = append(out, Checked{about, code, severity, fmt.Sprintf(format, args...), fix})
	}
	u, problems, err := a.under(file, nil)
	if err != nil {
		return nil, err
	}
	defer u.end()
	made, cfg := u.made, u.cfg
	if file.Text != "" {
		out = append(out, FileFindings(file.Path, problems)...)
	}
	if u.edited {
		add("config", "config.not_in_force", connectors.Warning, "reload it (systemctl reload intentd)", "%s differs from what the daemon runs under; the findings are those of the file", file.Path)
	}

	probe := func(name string, x any) {
		p, ok := x.(connectors.Prober)
		if !ok {
			return
		}
		for _, f := range p.Probe(ctx) {
			if f.Writing && cfg.Write.Mode == "off" { // nothing needs it yet
				f.Severity = connectors.Warning
			}
			out = append(out, Checked{name, f.Code, f.Severity, f.Message, f.Fix})
		}
	}
	for _, crm := range made.setup.CRMs {
		probe(crm.Name, crm.CRM)
		out = append(out, a.examineAccount(ctx, crm.Name, crm.CRM)...)
	}
	for _, src := range made.setup.Sources {
		probe(src.Name, src.Source)
	}
	if made.model != nil {
		probe(modelName, made.model)
	}

	if a.ready.Load() {
		out = append(out, PlaceFindings(a.Config())...)
	}
	st := operate.StatusOf(a.pipe)
	for _, crm := range made.setup.CRMs {
		if f := st.Connectors[crm.Name].Followed; f != nil {
			out = append(out, examineChanges(crm.Name, f, a.o.Now())...)
		}
	}
	for _, src := range made.setup.Sources {
		if i := st.Connectors[src.Name].Intake; i != nil {
			out = append(out, examineIntake(src.Name, i)...)
		}
	}
	_, forms := a.pipe.UnknownForms(made.setup.Journey)
	out = append(out, examineForms(forms)...)
	out = append(out, examineConsent(st.Filtered.NoConsent, cfg.Identity.JoinAnonymous)...)
	if free, ok := disk.Free(cfg.State.Path); ok {
		switch {
		case free < fullDisk:
			add("state", "state.disk_full", connectors.Failure, "free space on the file system of "+cfg.State.Path, "%d MiB are free beside the state file: writing is about to stop", free>>20)
		case free < max(lowDisk, st.State.FileBytes):
			add("state", "state.disk_low", connectors.Warning, "free space on the file system of "+cfg.State.Path+"; a compaction needs room for a copy", "%d MiB are free beside a state file of %d MiB", free>>20, st.State.FileBytes>>20)
		}
	}
	if n := st.State.FreeBytes; n > 64<<20 && n > st.State.FileBytes/2 {
		add("state", "state.compact", connectors.Warning, "intentd compact", "%d of %d MiB of the state file are empty", n>>20, st.State.FileBytes>>20)
	}
	if st.Clock != "" {
		add("clock", "clock.doubtful", connectors.Failure, "set the clock by NTP (timedatectl); intentd goes on once a CRM's answer confirms the time", "%s", st.Clock)
	}
	switch {
	case st.Paused:
		add("write", "write.paused", connectors.Warning, "intentd resume", "an admin paused writing")
	case st.Brake != "":
		add("write", "write.brake", connectors.Failure, "look at intentd plan; if the changes are right: intentd resume", "%s", st.Brake)
	case cfg.Write.Mode == "off":
		add("write", "write.off", connectors.Warning, "set write.mode to canary or on", "nothing is written to the CRMs (write.mode is off)")
	case cfg.Write.Mode == "canary":
		add("write", "write.canary", connectors.OK, "", "only the scope of write.scope is written")
	}
	out = append(out, a.examineHoldout(ctx, made.setup, cfg.Holdout.Share)...)
	if n := st.Batches.GivenUp; n > 0 {
		add(modelName, "model.jobs_given_up", connectors.Warning, "nothing is lost: what a job leaves open is asked one by one, at the full price; where it goes on, set model.batch to false",
			"%s ended without answering all since the start, the last at %s: %s", counted(int(n), "job"), st.Batches.LastGivenUp.UTC().Format(time.RFC3339), st.Batches.Why)
	}
	if st.Dead > 0 {
		add("write", "write.dead_letters", connectors.Warning, "intentd dead list; then dead retry or dead drop", "%d records or people cannot be done as things stand", st.Dead)
	}
	out = append(out, a.examineAlerts(ctx, made)...)
	if cfg.HTTP.Page {
		out = append(out, examineOwners(ctx, made, Checked{"owners", "page.owners", connectors.Warning, "the page and intentd people show owners by their ids", ""})...)
	}
	out = append(out, a.examineLearning(cfg)...)
	if held, err := a.heldFields(ctx); err != nil {
		return nil, err
	} else if held.Records > 0 {
		add("write", "write.held", connectors.Warning, "if they are not meant to stay, let them go: intentd release PERSON, or --all, with --field for one of them",
			"people changed fields of %s, so that these are not updated: %s", counted(held.Records, "record"), byField(held.Fields))
	}
	if len(made.setup.CRMs) > 1 {
		var mapped []string
		for _, crm := range made.setup.CRMs {
			mapped = append(mapped, fmt.Sprintf("%s of %s", crm.Fields[connectors.FieldScore], crm.Name))
		}
		add("write", "write.synced", connectors.Warning, "leave all of intentd's fields out of the mappings of such a sync: intentd writes both sides by itself",
			"%d CRMs are written: does a sync between them map intentd's fields (%s, and the others likewise)? It would write one CRM's values over the other's", len(mapped), strings.Join(mapped, ", "))
	}
	for _, name := range sortedNames(st.Connectors) {
		c := st.Connectors[name]
		if !c.OK && time.Now().Before(c.Until) {
			add(name, "connector.stopped", connectors.Failure, "mend what the error says; it is tried again at that time, or at once after intentd resume", "stopped until %s (%s): %s", c.Until.UTC().Format(time.RFC3339), c.Kind, c.Error)
		}
	}
	if a.ready.Load() {
		if why := a.reloadErr.Load(); why != nil {
			add("config", "config.reload_refused", connectors.Warning, "correct the file, then reload again (systemctl reload intentd)", "the last reload was refused, the configuration before it goes on: %s", *why)
		}
		add("daemon", "daemon.running", connectors.OK, "", "running since %s, %s", a.started.UTC().Format(time.RFC3339), a.Waiting(ctx))
	}
	return out, nil
}

// examineLearning tells what was learned and waits, and why nothing is learned.
func (a *App) examineLearning(cfg *config.Config) (out []Checked) {
	l, err := a.learning()
	if err != nil {
		return nil
	}
	if f := l.InForce; f != nil && f.Gone != nil {
		out = append(out, Checked{"learn", "learn.profile_gone", connectors.Warning, fmt.Sprintf("number %d, in force, goes by %s, which no learning_profile names any more: everybody counts there as people do on average", f.Number, strings.Join(f.Gone, ", ")),
			"name it in crms[].learning_profile again, or learn anew: intentd learn, then intentd learn apply"})
	}
	if cfg.Learning == config.LearningOff {
		return out
	}
	if n := l.Note; n != nil {
		out = append(out, Checked{"learn", "learn.nothing", connectors.OK, fmt.Sprintf("nothing was learned from closed deals on %s: %s", n.At.Format("2 Jan 2006"), n.Why), `do what it says, or set learning: "off"`})
	}
	if w := l.Waits; w != nil {
		out = append(out, Checked{"learn", "learn.waits", connectors.OK, fmt.Sprintf("number %d, learned on %s from %s, waits: %s", w.Number, w.At.UTC().Format("2 Jan 2006"), counted(w.Deals, "deal"), cmp.Or(w.Why, "it was learned by hand")),
			"look at it with intentd learn history, put it in force with intentd learn apply"})
	}
	return out
}

// byField is a count by field in words, the most frequent first.
func byField(fields map[string]int) string {
	names := sortedNames(fields)
	slices.SortStableFunc(names, func(a, b string) int { return fields[b] - fields[a] })
	for i, name := range names {
		names[i] = fmt.Sprintf("%s %d", name, fields[name])
	}
	return strings.Join(names, ", ")
}

// PlaceFindings are the doctor's words for places where intentd could not keep what it must: directories of the state and of the event
// store, and the files in them, that its user cannot write to.
func PlaceFindings(cfg *config.Config) []Checked {
	var out []Checked
	for _, place := range []string{cfg.State.Path, cfg.ClickstreamDir()} {
		at := place
		for { // what is not there yet is made in the nearest directory that is
			if _, err := os.Stat(at); !errors.Is(err, fs.ErrNotExist) || at == filepath.Dir(at) {
				break
			}
			at = filepath.Dir(at)
		}
		err := disk.Writable(at)
		if err == nil && at == place { // beside a file stand its socket and, for a while, its copies
			at = filepath.Dir(at)
			err = disk.Writable(at)
		}
		if err != nil {
			out = append(out, Checked{"state", "state.read_only", connectors.Failure, fmt.Sprintf("%s cannot be kept: %s: %v", place, at, err),
				"make " + at + " writable for the user intentd runs as (chown, or a volume that is not read-only), or set state.path to a place that is"})
			break // the store beside a state has the same trouble
		}
	}
	return out
}

// examineAccount compares the credentials' account with the one that the state is bound to.
func (a *App) examineAccount(ctx context.Context, name string, crm connectors.CRM) []Checked {
	who, ok := crm.(connectors.Account)
	if !ok {
		return nil
	}
	info, err := who.Account(ctx)
	if err != nil {
		return nil // the connector's own probe says why
	}
	bound, err := a.db.Binding(name)
	if err != nil || bound == "" || bound == info.ID {
		return nil
	}
	return []Checked{{name, "state.other_account", connectors.Failure,
		fmt.Sprintf("the state is bound to account %s, the credentials belong to account %s", bound, info.ID),
		"use the credentials of account " + bound + ", or another state.path"}}
}

// StateFinding is the doctor's word for a state that does not open.
func StateFinding(path string, err error) Checked {
	c := Checked{About: "state", Severity: connectors.Failure, Message: err.Error()}
	switch {
	case errors.Is(err, state.ErrLocked):
		c.Code, c.Fix = "state.locked", "another intentd holds the file without answering on its socket: wait for it to end, or end it"
	case errors.Is(err, state.ErrNewer):
		c.Code, c.Fix = "state.newer", "install the version of intentd that wrote it, or restore the backup made before the update"
	case errors.Is(err, state.ErrDamaged):
		c.Code, c.Fix = "state.damaged", "restore the last backup over "+path+"; without one move the file away: the CRM keeps its values and everybody is scored anew"
	default:
		c.Code, c.Fix = "state.unreadable", "make "+path+" readable and writable for the user intentd runs as"
	}
	return c
}

// ProvisionArguments say what to do about the fields of all CRMs; neither only plans.
type ProvisionArguments struct {
	Apply  bool `json:"apply"`
	Remove bool `json:"remove"`
	File   File `json:"file"`
}

// Provisioned is what was, or would be, done in one CRM.
type Provisioned struct {
	CRM    string                 `json:"crm"`
	Steps  []connectors.FieldStep `json:"steps"`
	Manual []string               `json:"manual,omitempty"` // clicks that remain
	Error  string                 `json:"error,omitempty"`
}

// Provision plans, makes or removes intentd's fields.
var Provision = operation("provision", (*App).provision)

func (a *App) provision(ctx context.Context, arg ProvisionArguments) ([]Provisioned, error) {
	var out []Provisioned
	u, err := a.underFile(arg.File, nil)
	if err != nil {
		return nil, err
	}
	defer u.end()
	for _, crm := range u.made.setup.CRMs {
		p, ok := crm.CRM.(connectors.Provisioner)
		if !ok {
			continue
		}
		one := Provisioned{CRM: crm.Name}
		var err error
		switch {
		case arg.Remove:
			one.Steps, err = p.Remove(ctx, arg.Apply)
		case arg.Apply:
			one.Steps, err = p.Apply(ctx)
		default:
			one.Steps, err = p.Plan(ctx)
		}
		if err != nil {
			one.Error = err.Error()
		}
		if !arg.Remove && err == nil {
			one.Manual = p.Manual()
		}
		out = append(out, one)
	}
	if arg.Apply {
		a.pipe.LookAgain() // what a connector waited for may be there now
	}
	return out, nil
}

func sortedNames[V any](m map[string]V) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.SortFunc(names, strings.Compare)
	return names
}
