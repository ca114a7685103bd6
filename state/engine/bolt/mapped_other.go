//go:build !linux

package bolt

// forgetMapped does nothing: elsewhere the advice means something else, or is not there.
func forgetMapped(uintptr, int64) {}
