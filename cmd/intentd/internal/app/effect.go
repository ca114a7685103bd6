package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/pipeline/operate"
)

// EffectArguments name the configuration to compare the one in force with.
type EffectArguments struct {
	Against File `json:"against"`
}

// Effect is what a change of the configuration would do, and how far that can be told.
type Effect struct {
	*operate.Effect
	Simulated []string `json:"simulated"`      // keys whose change is in the figures
	Beside    []string `json:"no_score"`       // keys that move no score
	Unknown   []string `json:"not_simulated"`  // keys that may: they say what counts, and that takes journeys to tell; or why stands in Effect.Unread
	Brake     bool     `json:"brake_would_go"` // more change tier than write.brake lets through in a day
	Gone      []string `json:"gone,omitempty"` // properties that learned strengths go by and the file does not name: everybody would count as usual there
}

// Why says why the figures are without a key whose effect they would tell; "" where it is another's or takes journeys.
func (e *Effect) Why(key string) string {
	for part, why := range e.Unread {
		if among(key, []string{part}) {
			return why
		}
	}
	return ""
}

// PlanAgainst shows what the configuration in a file would do to the scores that CRMs show.
var PlanAgainst = operation("plan_against", (*App).planAgainst)

// ReadFile is a file to compare with.
func ReadFile(name string) (File, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return File{}, err
	}
	path, err := filepath.Abs(name)
	return File{Text: string(text), Path: path}, err
}

func (a *App) planAgainst(ctx context.Context, arg EffectArguments) (*Effect, error) {
	u, err := a.underFile(arg.Against, a.Config())
	if err != nil {
		return nil, Misused{fmt.Errorf("%s: %w", filepath.Base(arg.Against.Path), err)}
	}
	defer u.end()
	e, err := operate.EffectOf(ctx, a.pipe, u.made.setup, max(u.made.lot, 1))
	if err != nil {
		return nil, err
	}
	out := &Effect{Effect: e, Simulated: []string{}, Beside: []string{}, Unknown: []string{}}
	for _, key := range config.Differences(a.Config(), u.cfg) {
		switch {
		case out.Why(key) != "":
			out.Unknown = append(out.Unknown, key)
		case among(key, simulated):
			out.Simulated = append(out.Simulated, key)
		case movesNoScore(key):
			out.Beside = append(out.Beside, key)
		default:
			out.Unknown = append(out.Unknown, key)
		}
	}
	if l, err := a.applied()(); err == nil && l.Strengths != nil && u.made.setup.Score.Additive != nil {
		out.Gone = without(l.Strengths.Profile(), u.cfg.ProfileNames())
	}
	brake, changes := u.cfg.Write.Brake, e.Changed
	if e.Fit != nil {
		changes += e.Fit.Regraded * e.People / e.Fit.Asked
	}
	out.Brake = brake > 0 && changes >= 20 && float64(changes)*100 > brake*float64(e.People)
	return out, nil
}

// simulated are keys whose effect comes from stored features, or from what records say now, beside those that move no score. A key stands for all below it.
var simulated = []string{
	"scoring.engine", "scoring.weights", "scoring.tiers", "scoring.margin", "scoring.max_activity", "scoring.time_constant_days", "scoring.half_life_days", "scoring.topic_base",
	"scoring.topic_points", "scoring.interest_points", "scoring.hand_raise_days", "scoring.evidence", "scoring.high_strength", "scoring.material_points", "scoring.trend",
	"scoring.strengths", "scoring.capacity", "verdicts.not_now", "verdicts.not_interested", "verdicts.wrong_person", "fit",
}

var beside = []string{
	"state", "log", "http", "write", "text", "clickstream.dir", "schedule", "learning", "verdicts.weight", "screenshots", "holdout", "proof", "competitors", "model.concurrency", "model.daily_budget_usd", "model.batch", "model.prices",
	"model.timeout", "model.requests_per_minute", "model.api_key", "model.api_key_file", "privacy.redact", "privacy.retention.receipts", "privacy.retention.snapshots",
}

// ofAccess are keys of connectors that say how they are reached, and when, and where their fields are.
var ofAccess = []string{"poll", "token", "token_file", "client_id", "client_secret", "client_secret_file", "refresh_token", "refresh_token_file", "key", "key_file", "password", "password_file",
	"timeout", "searches_per_second", "rate_share", "daily_reserve", "daily_share", "bulk_threshold", "adopt", "changes", "fields"}

func movesNoScore(key string) bool {
	if among(key, beside) {
		return true
	}
	section, rest, _ := strings.Cut(key, "].")
	return (strings.HasPrefix(section, "crms[") || strings.HasPrefix(section, "sources[")) && among(rest, ofAccess)
}

// among says whether a key is one of those, or below one.
func among(key string, of []string) bool {
	for _, k := range of {
		if key == k || strings.HasPrefix(key, k+".") || strings.HasPrefix(key, k+"[") {
			return true
		}
	}
	return false
}
