package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/windows"
)

// ModesTell says that the mode of a file tells who may read it: on Windows the list of its folder does, which Go does not show.
const ModesTell = false

// full are the errors of a disk, or a quota, without room.
var full = []error{windows.ERROR_DISK_FULL, windows.ERROR_HANDLE_DISK_FULL, windows.ERROR_DISK_QUOTA_EXCEEDED, windows.ERROR_FILE_TOO_LARGE, syscall.ENOSPC}

// Free is how many bytes this process's user may still write on the volume of path; false where the system does not say.
func Free(path string) (int64, bool) {
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		path = filepath.Dir(path)
	}
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return 0, false
	}
	var free, total, all uint64
	err = windows.GetDiskFreeSpaceEx(name, &free, &total, &all)
	return int64(free), err == nil
}

// lockAt is the byte that bbolt locks: beyond every file, since a lock of Windows keeps others from the bytes themselves.
var lockAt = windows.Overlapped{Offset: ^uint32(0), OffsetHigh: ^uint32(0)}

// LockShared takes the lock that readers of a bbolt file share, and fails at once where a writer has it.
func LockShared(f *os.File) error {
	at := lockAt
	return windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &at)
}

// Unlock gives up a lock of a file that stays mapped: closing it would not.
func Unlock(f *os.File) error {
	at := lockAt
	return windows.UnlockFileEx(windows.Handle(f.Fd()), 0, 1, 0, &at)
}

// SyncDir does nothing: Windows writes folders through, and has no call for it that a folder's reader may make.
func SyncDir(string) error { return nil }

// Identify says which file it is that info, from os.Stat(path), is of.
func Identify(path string, _ fs.FileInfo) ID {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return ID{}
	}
	// Backup semantics open folders, too; without access rights only its identity is asked for.
	h, err := windows.CreateFile(name, 0, windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE|windows.FILE_SHARE_DELETE, nil,
		windows.OPEN_EXISTING, windows.FILE_FLAG_BACKUP_SEMANTICS, 0)
	if err != nil {
		return ID{}
	}
	defer windows.CloseHandle(h)
	var info windows.ByHandleFileInformation
	if err := windows.GetFileInformationByHandle(h, &info); err != nil {
		return ID{}
	}
	return ID{uint64(info.VolumeSerialNumber), uint64(info.FileIndexHigh)<<32 | uint64(info.FileIndexLow)}
}

// Writable is nil where this process's user may write to the file at path, or make files in the folder there: it is tried.
func Writable(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if errors.Is(err, windows.ERROR_SHARING_VIOLATION) {
			return nil // somebody writes to it already
		}
		if err != nil {
			return err
		}
		return f.Close()
	}
	f, err := os.CreateTemp(path, ".intentd-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}
