// Package disk asks the system what Go's own packages do not tell in one way for all systems: free space, locks of other processes' files,
// whether a directory can be written to, which file a path leads to. It is for both stores that are kept in files, for what reads files, and for
// the doctor. Each function stands once for Unix and once for Windows.
package disk

import (
	"errors"
	"strings"
)

// ID tells a file from every other one on the machine, whatever it is called. The zero ID is no file's.
type ID struct{ Dev, Ino uint64 }

// IsFull says whether err came of missing space. Whoever flattens the cause into text, as bbolt does, is understood as well.
func IsFull(err error) bool {
	for _, e := range full {
		if errors.Is(err, e) || strings.Contains(err.Error(), e.Error()) {
			return true
		}
	}
	return false
}
