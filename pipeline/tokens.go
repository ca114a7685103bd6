package pipeline

import "github.com/intentd/intentd/state"

// Tokens keeps credentials that a vendor renews by itself (rotated refresh tokens) in the state: losing one would lock the
// daemon out.
type Tokens struct{ db *state.DB }

// NewTokens keeps tokens in db.
func NewTokens(db *state.DB) Tokens { return Tokens{db} }

func tokenKey(name string) string { return "token/" + name }

// Load is the token last saved under name, "" if there is none.
func (t Tokens) Load(name string) (token string, err error) {
	err = t.db.View(func(tx *state.Tx) error {
		token = string(tx.Setting(tokenKey(name)))
		return nil
	})
	return token, err
}

// Save keeps a token; it is durable when Save returns.
func (t Tokens) Save(name, token string) error {
	return t.db.Update(func(tx *state.Tx) error { return tx.SetSetting(tokenKey(name), []byte(token)) })
}
