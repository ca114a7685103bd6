package connectors

import (
	"fmt"
	"log/slog"
)

// Secret is a value that never prints itself: not by fmt, not by slog, not as JSON. Reveal is the only way to it.
type Secret struct{ value string }

// NewSecret wraps a value.
func NewSecret(v string) Secret { return Secret{v} }

// Reveal is the value.
func (s Secret) Reveal() string { return s.value }

// IsZero says that there is no value.
func (s Secret) IsZero() bool { return s.value == "" }

const hidden = "[secret]"

// Format keeps every verb of fmt, %#v included, from the value.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, hidden) }

// LogValue keeps slog from the value.
func (s Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText keeps encoders from the value.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }
