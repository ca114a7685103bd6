package hubspot

import (
	"testing"

	"github.com/intentd/intentd/connectors/connectortest"
	"github.com/intentd/intentd/connectors/sandbox"
)

// Promise: what holds for changes by search holds for those by the journal.
func TestConformanceByJournal(t *testing.T) {
	connectortest.CRM(t, func(t *testing.T) connectortest.CRMHarness {
		return newJournalPortal(t, sandbox.JournalApp{Lag: journalLag, FileRecords: filedEntries})
	})
}
