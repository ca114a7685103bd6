//go:build unix

package disk

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// ModesTell says that the mode of a file tells who may read it.
const ModesTell = true

// full are the errors of a disk, or a quota, without room.
var full = []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG}

// Free is how many bytes this process's user may still write on the file system of path; false where the system does not say.
func Free(path string) (int64, bool) {
	var disk syscall.Statfs_t
	err := syscall.Statfs(path, &disk)
	return int64(disk.Bavail) * int64(disk.Bsize), err == nil
}

// LockShared takes the lock that readers of a bbolt file share, and fails at once where a writer has it.
func LockShared(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
}

// Unlock gives up a lock of a file that stays mapped: closing it would not.
func Unlock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }

// SyncDir makes a directory remember, over a power cut, which files are in it.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Identify says which file it is that info, from os.Stat(path), is of.
func Identify(_ string, info fs.FileInfo) ID {
	sys, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ID{}
	}
	return ID{uint64(sys.Dev), sys.Ino}
}

// Writable is nil where this process's user may write to the file at path, or make files in the directory there.
func Writable(path string) error {
	const write, search = 2, 1
	mode := uint32(write)
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		mode |= search
	}
	return syscall.Access(path, mode)
}
