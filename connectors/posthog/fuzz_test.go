package posthog

import (
	"encoding/json"
	"strings"
	"testing"
)

// Whatever an answer holds, its rows are read or refused.
func FuzzAnswer(f *testing.F) {
	row := make([]string, columns)
	for i := range row {
		row[i] = `"x"`
	}
	row[colTime], row[colCreated], row[colProperties], row[colChain] = `"1795132800000"`, "1795132800000", `"{\"a\":[1],\"b\":null,\"$c\":1}"`, `"a:text=\"\\\\\""`
	f.Add(`{"columns":["a"],"results":[["event",[` + strings.Join(row, ",") + `]],["address",["1","a@b.c"]]],"timings":[{}]}`)
	f.Add(`{"results":[[1,[2]],["event",null],null,[]]}`)
	f.Add(`{"results":{}}`)
	f.Add(`[]`)
	f.Fuzz(func(t *testing.T, answer string) {
		_ = readResults(strings.NewReader(answer), func(row []json.RawMessage) error {
			for _, cell := range row {
				var cells []json.RawMessage
				if json.Unmarshal(cell, &cells) == nil {
					if e, _, err := readEvent("app", texts(cells)); err == nil && e.Time.IsZero() {
						t.Error("an event without a time")
					}
				}
			}
			texts(row)
			return nil
		})
	})
}
