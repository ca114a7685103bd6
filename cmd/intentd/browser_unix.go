//go:build unix

package main

import "runtime"

// browser is the system's command that shows a link.
var browser = func() []string {
	if runtime.GOOS == "darwin" {
		return []string{"open"}
	}
	return []string{"xdg-open"}
}()
