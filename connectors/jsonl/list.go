package jsonl

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/intentd/intentd/connectors"
)

// list finds the files, the one changed longest ago first: rotated ones come before the one being written.
// What cannot be looked at is told by failures and does not hold up the rest.
func (f *Feed) list() (files []found, failures []error, err error) {
	fail := func(err error) ([]found, []error, error) {
		return nil, nil, &connectors.Error{Kind: connectors.Config, Op: "jsonl: source " + f.o.Name, Err: err, Fix: fixPath}
	}
	var paths []string
	info, err := os.Stat(f.o.Path)
	switch {
	case err == nil && info.IsDir():
		err = filepath.WalkDir(f.o.Path, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil && path == f.o.Path:
				return err
			case errors.Is(err, fs.ErrNotExist): // rotated away since it was listed
				return nil
			case err != nil:
				failures = append(failures, f.fileFailed(err))
				return nil
			case path == f.o.Path:
				return nil
			case strings.HasPrefix(d.Name(), ".") && d.IsDir():
				return fs.SkipDir
			case d.IsDir(), passedOver(d.Name()):
				return nil
			}
			paths = append(paths, path)
			return nil
		})
		if err != nil {
			return fail(err)
		}
	case err == nil:
		paths = []string{f.o.Path}
	case strings.ContainsAny(f.o.Path, `*?[`):
		if paths, err = filepath.Glob(f.o.Path); err != nil {
			return fail(err)
		}
	default:
		return fail(err)
	}
	known := map[[2]uint64]bool{}
	for _, path := range paths {
		one, ok, err := stat(path)
		switch inode := [2]uint64{one.dev, one.ino}; {
		case err != nil:
			failures = append(failures, f.fileFailed(err))
		case ok && !known[inode]: // a link to another one's file is passed over
			known[inode] = true
			files = append(files, one)
		}
	}
	slices.SortFunc(files, func(a, b found) int { return cmp.Or(a.changed.Compare(b.changed), strings.Compare(a.path, b.path)) })
	return files, failures, nil
}

func passedOver(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".tmp") || strings.HasSuffix(name, ".part") || strings.HasSuffix(name, "~")
}
