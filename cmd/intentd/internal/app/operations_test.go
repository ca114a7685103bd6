package app

import (
	"strings"
	"testing"
)

// Promise: who waits for the model's texts is told when they come, by what bounds them.
func TestComingTexts(t *testing.T) {
	for want, texts := range map[string]Texts{
		"as fast as the model answers":            {Days: 0.4},
		"by jobs of the vendor, some hours later": {Jobs: true},
		"within about 4 days by the day's budget": {Jobs: true, Days: 4.2},
	} {
		if got := texts.Coming(); !strings.HasSuffix(got, "highest scores first, "+want) {
			t.Errorf("%+v: %s", texts, got)
		}
	}
}
