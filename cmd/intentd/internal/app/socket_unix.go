//go:build unix

package app

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
)

// listenPrivately makes a socket of mode 0600. It is born in a directory of its own that nobody else can enter and moved into
// place, so that there is no moment in which another user could connect.
func listenPrivately(path string) (net.Listener, error) {
	nest, err := os.MkdirTemp(filepath.Dir(path), ".s")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(nest)
	egg := filepath.Join(nest, "s")
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: egg, Net: "unix"})
	if err != nil {
		if errors.Is(err, syscall.EINVAL) || len(egg) > 100 {
			return nil, fmt.Errorf("the path %s is too long for a socket (about 100 bytes): choose a shorter state.path", path)
		}
		return nil, err
	}
	ln.SetUnlinkOnClose(false)
	if err := errors.Join(os.Chmod(egg, 0o600), os.Rename(egg, path)); err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	return ln, nil
}

// nobodyListens says that no daemon answers at a socket: there is none, or a dead one's.
func nobodyListens(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.EINVAL)
}

// hungUp says that whoever was spoken to ended.
func hungUp(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.ECONNREFUSED)
}

// InUse says that another program listens at an address.
func InUse(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }
