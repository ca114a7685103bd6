package app

import (
	"context"
	"reflect"

	"github.com/intentd/intentd/cmd/intentd/internal/config"
)

// File is the config file as it is now, which need not be in force in a daemon that runs: what an admin asks is answered for what they
// edited, with the daemon's secrets and state. The zero File stands for what is in force.
type File struct {
	Text string `json:"text,omitempty"`
	Path string `json:"path,omitempty"` // absolute: the paths in it are relative to its directory
}

// under is a configuration that a question is answered for.
type under struct {
	made   *built
	cfg    *config.Config
	edited bool // it is not the one in force
	end    func()
}

// under builds what the file says, where that is not what is in force; beside, if it is not nil, is compared with it. Problems are all that the daemon finds in the file.
func (a *App) under(f File, beside *config.Config) (under, config.Problems, error) {
	a.mu.Lock()
	u := under{made: a.made, cfg: a.cfg, end: func() {}}
	a.mu.Unlock()
	if f.Text == "" {
		return u, nil, nil
	}
	cfg, problems := config.Read([]byte(f.Text), f.Path, Types)
	if problems.Err() != nil || reflect.DeepEqual(cfg, u.cfg) {
		return u, problems, nil
	}
	a.reload.Lock() // stores are shared with what is in force: no reload may open one meanwhile
	defer a.reload.Unlock()
	before := a.made
	made, err := a.build(cfg, before, beside)
	if err != nil {
		return u, problems, err
	}
	return under{made, cfg, true, func() {
		for _, c := range made.open[len(before.open):] {
			_ = c.Close() // only read from
		}
	}}, problems, nil
}

// underFile is under, where mistakes in the file leave nothing to answer.
func (a *App) underFile(f File, beside *config.Config) (under, error) {
	u, problems, err := a.under(f, beside)
	if err == nil {
		err = problems.Err()
	}
	return u, err
}

// Check tells what a daemon finds in the config file as it is now, with its own environment and credentials.
var Check = operation("check", func(_ *App, _ context.Context, f File) (config.Problems, error) {
	_, problems := config.Read([]byte(f.Text), f.Path, Types)
	return problems, nil
})
