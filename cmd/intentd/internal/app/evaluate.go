package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intent/evaluate"
)

// Who holds texts against labels, beside a model by its name.
const (
	JudgeMatcher = "matcher" // the bundled one
	JudgeModel   = "model"   // the config's, else the one that writes the texts
)

// EvaluateOptions say whose texts are held against which labels, by whom.
type EvaluateOptions struct {
	Config                          *config.Config // its text, privacy and model count, and for journeys that name no vendor all that it says of the site; nil: the defaults
	Model                           string         // as of TryOptions
	GeminiKey, OpenAIKey, OpenAIURL string
	Judge                           string        // JudgeMatcher ("" too), JudgeModel, or a model as of TryOptions
	Set                             *evaluate.Set // nil: the bundled one
	HTTP                            http.RoundTripper
	Done                            func() // told after each journey, if set; by several goroutines at once
}

// Evaluation is what came of it.
type Evaluation struct {
	*evaluate.Result
	Bundled bool   `json:"bundled"`
	Priced  bool   `json:"priced"`                  // what the models cost is known
	Trouble string `json:"model_trouble,omitempty"` // what a model refused last, without a secret
}

// Evaluate holds texts against labelled journeys. It keeps and writes nothing, and asks nobody but the models that are named.
func Evaluate(ctx context.Context, o EvaluateOptions) (*Evaluation, error) {
	out := &Evaluation{Bundled: o.Set == nil}
	texts, judging, err := o.models()
	if err != nil {
		return nil, err
	}
	if o.Set == nil {
		if o.Set, err = evaluate.Bundled(); err != nil {
			return nil, err
		}
	}
	if err := o.own(texts.cfg); err != nil {
		return nil, err
	}
	run := evaluate.Options{Done: o.Done, Concurrency: texts.cfg.Model.Concurrency}
	if judging != nil {
		model, err := judging.builder(judging.cfg).opened()
		if err != nil {
			return nil, err
		}
		judging.model, run.Judge = model, &evaluate.Judge{Model: model, Name: judging.cfg.Model.Name}
	}
	run.Reading = func(v *evaluate.Vendor, lang string) (evaluate.Reading, error) {
		return texts.reading(v, lang, v == o.Set.Vendors[""])
	}
	if out.Result, err = evaluate.Run(ctx, o.Set, run); err != nil {
		return nil, err
	}
	out.Priced = texts.priced
	if texts.cfg.Model.Settings != nil {
		out.Engine = texts.cfg.Model.Name
	}
	for _, m := range []*asked{texts, judging} {
		if m == nil || m.model == nil {
			continue
		}
		out.Priced = out.Priced && m.priced
		if t := (&modelWatch{model: m.model}).report().LastError; t != "" {
			out.Trouble = t
		}
	}
	return out, nil
}

// asked is a model that is asked, with the config that says how.
type asked struct {
	cfg    *config.Config
	priced bool
	model  connectors.Model // nil: not opened, or rules
	http   http.RoundTripper
}

// models are who writes the texts, and who judges them; nil: the bundled matcher.
func (o *EvaluateOptions) models() (texts, judging *asked, err error) {
	pick := func(name string) (*asked, error) {
		cfg := config.Default()
		if o.Config != nil {
			own := *o.Config
			cfg = &own
		}
		t := Trial{Priced: true}
		err := t.chooseModel(cfg, &TryOptions{Model: name, GeminiKey: o.GeminiKey, OpenAIKey: o.OpenAIKey, OpenAIURL: o.OpenAIURL})
		cfg.Screenshots.Dir = ""
		return &asked{cfg: cfg, priced: t.Priced, http: o.HTTP}, err
	}
	if texts, err = pick(o.Model); err != nil {
		return nil, nil, err
	}
	switch o.Judge {
	case "", JudgeMatcher:
		return texts, nil, nil
	case config.Rules:
		return nil, nil, errors.New("--judge rules: rules write texts and judge none; it is matcher, model, or a model's name")
	case JudgeModel:
		if judging, err = pick(""); err == nil && judging.cfg.Model.Settings == nil {
			judging, err = pick(o.Model)
		}
	default:
		judging, err = pick(o.Judge)
	}
	if err == nil && judging.cfg.Model.Settings == nil {
		err = errors.New("--judge model needs a model: name one with --model or in a configuration, or name the judge itself, as in --judge gemini")
	}
	return texts, judging, err
}

// own puts the config's site in the place of the vendor that journeys do not name.
func (o *EvaluateOptions) own(cfg *config.Config) error {
	for i := range o.Set.Journeys {
		if c := &o.Set.Journeys[i]; c.Vendor == "" {
			if o.Config == nil {
				return fmt.Errorf("journey %d (%s) names no vendor: describe yours under \"vendors:\", or give your configuration with -c", i+1, c.Name)
			}
			v := &evaluate.Vendor{Host: "site.invalid"}
			if len(cfg.Privacy.OwnHosts) > 0 {
				v.Host = cfg.Privacy.OwnHosts[0]
			}
			o.Set.Vendors[""] = v
			return nil
		}
	}
	return nil
}

// builder makes what reads journeys under a config.
func (m *asked) builder(cfg *config.Config) *builder {
	b := readerOf(cfg, nil, Options{Now: time.Now, HTTP: m.http})
	b.model = m.model
	return b
}

// reading is what a vendor's journeys are read with: its site in the place of the config's, unless it is the config's own.
func (m *asked) reading(v *evaluate.Vendor, lang string, own bool) (evaluate.Reading, error) {
	cfg := *m.cfg
	cfg.Text.Language = lang
	if !own {
		cfg.Privacy.OwnHosts, cfg.Products, cfg.Topics.Pages, cfg.Competitors = []string{v.Host}, nil, nil, nil
		for _, p := range v.Products {
			cfg.Products = append(cfg.Products, config.Product{Name: p.Name, Match: p.Match})
		}
		for i := range v.Topics {
			cfg.Topics.Pages = append(cfg.Topics.Pages, config.TopicPage{Match: v.Topics[i].Match, Topic: v.Topics[i].In(lang)})
		}
		for _, r := range v.Rivals {
			cfg.Competitors = append(cfg.Competitors, config.Competitor{Name: r.Name, Domains: r.Domains})
		}
	}
	b := m.builder(&cfg)
	err := b.readFile()
	m.model = b.model
	return evaluate.Reading{Journey: b.setup.Journey, Engine: b.setup.Engine}, err
}
