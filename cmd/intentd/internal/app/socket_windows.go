package app

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"

	"golang.org/x/sys/windows"
)

// listenPrivately makes a socket that whoever may write into its folder can connect to: the list of the state's folder keeps others out, as
// deploy/windows says. A socket that is there is a dead daemon's.
func listenPrivately(path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		if len(path) > 100 {
			return nil, fmt.Errorf("the path %s is too long for a socket (about 100 bytes): choose a shorter state.path", path)
		}
		return nil, err
	}
	ln.SetUnlinkOnClose(false)
	return ln, nil
}

// nobodyListens says that no daemon answers at a socket: there is none, or a dead one's.
func nobodyListens(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, windows.WSAECONNREFUSED) || errors.Is(err, windows.WSAEINVAL)
}

// hungUp says that whoever was spoken to ended.
func hungUp(err error) bool {
	return errors.Is(err, windows.WSAECONNRESET) || errors.Is(err, windows.WSAECONNABORTED) || errors.Is(err, windows.WSAECONNREFUSED)
}

// InUse says that another program listens at an address.
func InUse(err error) bool {
	return errors.Is(err, windows.WSAEADDRINUSE) || errors.Is(err, windows.WSAEACCES)
}
