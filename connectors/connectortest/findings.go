package connectortest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
)

// Findings lists findings, one a line and sorted, for tests to look into and to show.
func Findings(findings []connectors.Finding) string {
	var lines []string
	for _, f := range findings {
		lines = append(lines, fmt.Sprintf("%s %s: %s", f.Severity, f.Code, f.Message))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
