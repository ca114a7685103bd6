package config

import (
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with a configuration.
type Problem struct {
	Path    string `json:"path"`           // where: "crms[0].token"; "" for the file as a whole
	Line    int    `json:"line,omitempty"` // of the file, from 1; 0 where the value does not stand in it
	Message string `json:"message"`        // what is wrong; never holds a secret
	Fix     string `json:"fix"`            // what to do about it
	Warning bool   `json:"warning,omitempty"`
}

// String is the problem on one line.
func (p Problem) String() string {
	var b strings.Builder
	if p.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", p.Line)
	}
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Message)
	if p.Fix != "" {
		b.WriteString(" — " + p.Fix)
	}
	return b.String()
}

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
