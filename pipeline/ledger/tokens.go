package ledger

import "github.com/intentd/intentd/state"

// Tokens keeps credentials that a vendor renews by itself (rotated refresh tokens) in the state: losing one would lock the
// daemon out.
type Tokens struct{ db *state.DB }

// NewTokens keeps tokens in db.
func NewTokens(db *state.DB) Tokens { return Tokens{db} }

func tokenKey(name string) string { return "token/" + name }

// Load is the token last saved under name, "" if there is none.
func (t Tokens) Load(name string) (string, error) {
	token, err := t.db.Setting(tokenKey(name))
	return string(token), err
}

// Save keeps a token; it is durable when Save returns.
func (t Tokens) Save(name, token string) error { return t.db.SetSetting(tokenKey(name), []byte(token)) }
