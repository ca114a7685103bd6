package app

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"

	"github.com/intentd/intentd/connectors/clickstream"
)

// errNoEvents answers who asks for a copy of an event store that there is not.
var errNoEvents = errors.New("there is no event store: no source of type jsonl is configured")

// Backup implements Target.
func (a *App) Backup(_ context.Context, w io.Writer) (int64, error) { return a.db.Backup(w) }

// BackupEvents implements Target.
func (a *App) BackupEvents(ctx context.Context, dir string) (int64, error) {
	store := a.eventStore()
	if store == nil {
		return 0, errNoEvents
	}
	if err := store.Backup(ctx, dir); err != nil {
		return 0, err
	}
	var n int64
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			n += info.Size()
		}
		return err
	})
	return n, err
}

// eventStore is nil where no source needs one.
func (a *App) eventStore() *clickstream.Store {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.made.store
}

// copyPrefix begins the names of copies of the event store that are on their way through the socket. A kill leaves one behind;
// the next start removes it.
const copyPrefix = ".events-copy-"

func (a *App) removeCopies() {
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(a.cfg.State.Path), copyPrefix+"*"))
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil {
			a.log.Warn("a copy of the event store that a broken-off backup left behind cannot be removed", "dir", dir, "error", err)
		}
	}
}

// streamEvents writes a copy of the event store to w as a tar archive. The copy goes through the socket, and not straight to where
// the admin wants it: the daemon may not write there, and its /tmp may be another one (PrivateTmp=).
func (a *App) streamEvents(ctx context.Context, w io.Writer) (int64, error) {
	dir, err := os.MkdirTemp(filepath.Dir(a.Config().State.Path), copyPrefix)
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	n, err := a.BackupEvents(ctx, dir)
	if err != nil {
		return 0, err
	}
	t := tar.NewWriter(w)
	if err := t.AddFS(os.DirFS(dir)); err != nil {
		return 0, err
	}
	return n, t.Close()
}

// serveBackup answers with what write writes. An error before the first byte is told; a later one breaks the answer off, so
// that the client does not take half a copy for a whole one.
func (a *App) serveBackup(write func(context.Context, io.Writer) (int64, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		out := &begun{w: w}
		_, err := write(r.Context(), out)
		switch {
		case err == nil:
		case !out.yes:
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnprocessableEntity)
			_ = json.NewEncoder(w).Encode(failure{Error: err.Error()})
		default:
			a.log.Error("a backup broke off", "error", err)
			panic(http.ErrAbortHandler)
		}
	}
}

// begun is a writer that knows whether anything was written.
type begun struct {
	w   io.Writer
	yes bool
}

func (b *begun) Write(p []byte) (int, error) {
	b.yes = true
	return b.w.Write(p)
}

// Backup implements Target.
func (c *Client) Backup(ctx context.Context, w io.Writer) (n int64, err error) {
	err = c.get(ctx, "/backup", func(body io.Reader) error { n, err = io.Copy(w, body); return err })
	return n, err
}

// BackupEvents implements Target.
func (c *Client) BackupEvents(ctx context.Context, dir string) (n int64, err error) {
	err = c.get(ctx, "/backup/events", func(body io.Reader) error { n, err = unpack(body, dir); return err })
	return n, err
}

func (c *Client) get(ctx context.Context, path string, read func(io.Reader) error) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://intentd"+path, nil)
	if err != nil {
		return err
	}
	return c.send(req, read)
}

// unpack writes the files of a tar archive into dir, mode 0600 and on disk, and returns how many bytes they have.
func unpack(r io.Reader, dir string) (total int64, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return 0, err
	}
	defer root.Close()
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return total, nil
		}
		if err != nil {
			return total, fmt.Errorf("the copy broke off: %w", err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		f, err := root.OpenFile(h.Name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return total, err
		}
		n, err := io.Copy(f, t)
		total += n
		if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
			return total, err
		}
	}
}
