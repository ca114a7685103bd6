package app

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/intentd/intentd/pipeline/learn"
)

// dealSharesKey is where it is kept how many people of closed deals did what no rule covers, as the newest learning found it.
const dealSharesKey = "learn/shares"

func (a *App) keepDealShares(s *learn.Shares, since time.Time) error {
	s.Close(since, a.o.Now())
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return a.db.SetSetting(dealSharesKey, text)
}

// dealShares is what was kept; nil: no deals were gone over yet.
func (a *App) dealShares() (*learn.Shares, error) {
	text, err := a.db.Setting(dealSharesKey)
	if err != nil || text == nil {
		return nil, err
	}
	s := &learn.Shares{}
	if err := json.Unmarshal(text, s); err != nil {
		return nil, fmt.Errorf("what people of closed deals did: %w", err)
	}
	return s, nil
}
