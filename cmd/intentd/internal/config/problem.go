package config

import (
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
)

// Problem is one thing that is wrong with a configuration.
type Problem = connectors.Problem

// Problems are all that is wrong, in the order of the file; what does not stand in it comes last.
type Problems []Problem

// Error lists the problems that are not warnings, one a line.
func (ps Problems) Error() string {
	var lines []string
	for _, p := range ps {
		if !p.Warning {
			lines = append(lines, p.String())
		}
	}
	return strings.Join(lines, "\n")
}

// Err is ps if it holds anything but warnings, otherwise nil.
func (ps Problems) Err() error {
	for _, p := range ps {
		if !p.Warning {
			return ps
		}
	}
	return nil
}

// Warnings are the problems that do not keep intentd from starting.
func (ps Problems) Warnings() Problems {
	var ws Problems
	for _, p := range ps {
		if p.Warning {
			ws = append(ws, p)
		}
	}
	return ws
}

func (ps Problems) sort() {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		switch {
		case a.Line == b.Line:
			return 0
		case a.Line == 0:
			return 1
		case b.Line == 0:
			return -1
		}
		return a.Line - b.Line
	})
}
