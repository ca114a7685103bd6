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
	"github.com/intentd/intentd/connectors/disk"
)

// list finds the files, the one changed longest ago first: rotated ones come before the one being written.
// What cannot be looked at is told by failures and does not hold up the rest.
func (f *Feed) list() (files []found, failures []error, err error) {
	l := lister{feed: f, files: map[inode]bool{}, folders: map[inode]bool{}}
	path := filepath.Clean(f.o.Path)
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		if _, err = os.ReadDir(path); err == nil {
			l.folder(path)
		}
	case err == nil:
		l.file(path)
	case strings.ContainsAny(path, `*?[`):
		err = l.pattern(path)
	}
	if err != nil {
		return nil, nil, &connectors.Error{Kind: connectors.Config, Op: "jsonl: source " + f.o.Name, Err: err, Fix: fixPath}
	}
	slices.SortFunc(l.found, func(a, b found) int { return cmp.Or(a.changed.Compare(b.changed), strings.Compare(a.path, b.path)) })
	return l.found, l.failures, nil
}

type inode = disk.ID

// lister collects files, each once: a link to a file or folder that was met is passed over.
type lister struct {
	feed     *Feed
	found    []found
	failures []error
	files    map[inode]bool
	folders  map[inode]bool
}

func (l *lister) failed(err error) {
	if !errors.Is(err, fs.ErrNotExist) { // rotated away since it was listed
		l.failures = append(l.failures, l.feed.fileFailed(err))
	}
}

// add takes a file, or a folder with all below it, whatever links lead there.
func (l *lister) add(path string) {
	switch info, err := os.Stat(path); {
	case err != nil:
		l.failed(err)
	case info.IsDir():
		l.folder(path)
	default:
		l.file(path)
	}
}

func (l *lister) file(path string) {
	one, ok, err := stat(path)
	switch {
	case err != nil:
		l.failed(err)
	case ok && !l.files[one.inode]:
		l.files[one.inode] = true
		l.found = append(l.found, one)
	}
}

func (l *lister) folder(path string) {
	for _, name := range l.entries(path) {
		l.add(filepath.Join(path, name))
	}
}

// entries are the names in a folder that are not passed over; none if it was met before.
func (l *lister) entries(path string) (names []string) {
	info, err := os.Stat(path)
	if err != nil {
		l.failed(err)
		return nil
	}
	if id := disk.Identify(path, info); l.folders[id] {
		return nil
	} else {
		l.folders[id] = true
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		l.failed(err)
	}
	for _, e := range entries {
		if !passedOver(e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names
}

func passedOver(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".tmp") || strings.HasSuffix(name, ".part") || strings.HasSuffix(name, "~")
}

// pattern takes what a glob names, in which a step ** stands for any number of folders. A folder that a glob without it names is read
// with all below it.
func (l *lister) pattern(pattern string) error {
	if _, err := filepath.Match(pattern, ""); err != nil {
		return err
	}
	steps := strings.Split(pattern, "/")
	if !slices.Contains(steps, "**") {
		paths, err := filepath.Glob(pattern)
		for _, path := range paths {
			if name := filepath.Base(path); name[0] != '.' || strings.HasPrefix(steps[len(steps)-1], ".") {
				l.add(path)
			}
		}
		return err
	}
	fixed := slices.IndexFunc(steps, func(s string) bool { return strings.ContainsAny(s, `*?[`) })
	base := cmp.Or(strings.Join(steps[:fixed], "/"), ".")
	if strings.HasPrefix(pattern, "/") && fixed == 1 {
		base = "/"
	}
	l.below(base, nil, steps[fixed:])
	return nil
}

// below takes the files below a folder whose steps from the base of the pattern match it.
func (l *lister) below(folder string, from, steps []string) {
	for _, name := range l.entries(folder) {
		path, to := filepath.Join(folder, name), append(slices.Clone(from), name)
		switch info, err := os.Stat(path); {
		case err != nil:
			l.failed(err)
		case info.IsDir():
			l.below(path, to, steps)
		case matches(steps, to):
			l.file(path)
		}
	}
}

func matches(steps, path []string) bool {
	switch {
	case len(steps) == 0:
		return len(path) == 0
	case steps[0] == "**":
		return matches(steps[1:], path) || len(path) > 0 && matches(steps, path[1:])
	case len(path) == 0:
		return false
	}
	ok, _ := filepath.Match(steps[0], path[0])
	return ok && matches(steps[1:], path[1:])
}
