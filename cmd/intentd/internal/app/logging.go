package app

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/intentd/intentd/cmd/intentd/internal/config"
)

// Log is intentd's log: no secret at any level, no e-mail address at info and above (invariant 11). Its level and its secrets
// follow a reload.
type Log struct {
	level   slog.LevelVar
	secrets atomic.Pointer[strings.Replacer]
	*slog.Logger
}

// NewLog writes to out as the configuration asks. Before one is read, nil gives the default.
func NewLog(out io.Writer, cfg *config.Config) *Log {
	if cfg == nil {
		cfg = config.Default()
	}
	l := &Log{}
	l.Follow(cfg)
	make := func(w io.Writer) slog.Handler {
		o := &slog.HandlerOptions{Level: &l.level}
		if cfg.Log.Format == "json" {
			return slog.NewJSONHandler(w, o)
		}
		return slog.NewTextHandler(w, o)
	}
	l.Logger = slog.New(redacting{
		debug: make(&sieve{out: out, secrets: &l.secrets}),
		info:  make(&sieve{out: out, secrets: &l.secrets, addresses: true}),
	})
	return l
}

// Follow takes over level and secrets of another configuration.
func (l *Log) Follow(cfg *config.Config) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.Log.Level)); err != nil {
		level = slog.LevelInfo
	}
	l.level.Set(level)
	var pairs []string
	for _, s := range cfg.Secrets() {
		if len(s) < 4 { // a shorter one hides nothing and would garble everything
			continue
		}
		quoted, _ := json.Marshal(s)
		for _, form := range []string{s, strings.Trim(string(quoted), `"`), strings.Trim(strconv.Quote(s), `"`), url.QueryEscape(s)} {
			pairs = append(pairs, form, "[secret]")
		}
	}
	l.secrets.Store(strings.NewReplacer(pairs...))
}

// redacting sends records of info and above through the stricter sieve.
type redacting struct{ debug, info slog.Handler }

func (r redacting) Enabled(ctx context.Context, level slog.Level) bool {
	return r.info.Enabled(ctx, level)
}

func (r redacting) Handle(ctx context.Context, rec slog.Record) error {
	if rec.Level < slog.LevelInfo {
		return r.debug.Handle(ctx, rec)
	}
	return r.info.Handle(ctx, rec)
}

func (r redacting) WithAttrs(as []slog.Attr) slog.Handler {
	return redacting{r.debug.WithAttrs(as), r.info.WithAttrs(as)}
}

func (r redacting) WithGroup(name string) slog.Handler {
	return redacting{r.debug.WithGroup(name), r.info.WithGroup(name)}
}

// sieve redacts finished lines, whatever their values were made of. A handler hands over one record a call.
type sieve struct {
	out       io.Writer
	secrets   *atomic.Pointer[strings.Replacer]
	addresses bool
}

// address fits anything that could be an e-mail address, also where its @ is escaped for a URL.
var address = regexp.MustCompile(`(?i)[a-z0-9.+_%-]+(?:@|%40)[a-z0-9-]+(?:\.[a-z0-9-]+)+`)

func (s *sieve) Write(line []byte) (int, error) {
	text := s.secrets.Load().Replace(string(line))
	if s.addresses && (strings.Contains(text, "@") || strings.Contains(text, "%40")) {
		text = address.ReplaceAllString(text, "[e-mail]")
	}
	if _, err := io.Copy(s.out, bytes.NewReader([]byte(text))); err != nil {
		return 0, err
	}
	return len(line), nil
}
