package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
)

func (c *command) backup() *cobra.Command {
	var events string
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the state to FILE, and with --events the event store, while the daemon runs",
		Long: `Writes a consistent copy of the state, mode 0600. FILE must not exist; - is standard output. With --events DIR a copy of the
event store goes into DIR, which must not exist or be empty. Without one, a restored intentd fills the event store from your files
again, as far as you still have them. docs/runbook.md tells how to restore.`,
		Args: exactly("a file to write to"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			_, t, done, err := c.reach(ctx)
			if err != nil {
				return err
			}
			defer done()
			if err := free(args[0]); args[0] != "-" && err != nil {
				return err
			}
			if err := freeDir(events); events != "" && err != nil {
				return err
			}
			// The state first: a cursor older than its events takes some in again, one that is newer would pass over some.
			var size, eventsSize int64
			if args[0] == "-" {
				size, err = t.Backup(ctx, c.Stdout)
			} else {
				err = newFile(args[0], func(f *os.File) error { size, err = t.Backup(ctx, f); return err })
			}
			if err != nil {
				return err
			}
			if events != "" {
				if eventsSize, err = newEvents(ctx, t, events); err != nil {
					return fmt.Errorf("the state was copied, the event store was not: %w", err)
				}
			}
			if args[0] == "-" {
				return nil
			}
			result := map[string]any{"file": args[0], "bytes": size}
			if events != "" {
				result["events"], result["events_bytes"] = events, eventsSize
			}
			return c.print(result, func(w io.Writer) {
				fmt.Fprintf(w, "%s: %d bytes\n", args[0], size)
				if events != "" {
					fmt.Fprintf(w, "%s: %d bytes\n", events, eventsSize)
				}
			})
		},
	}
	cmd.Flags().StringVar(&events, "events", "", "copy the event store into the directory `DIR`, too")
	return cmd
}

// free says why a new file cannot come to be under a name: it is taken, or there is no directory for it.
func free(name string) error {
	if _, err := os.Lstat(name); err == nil {
		return fmt.Errorf("%s exists already: nothing is overwritten, choose another name", name)
	}
	dir := filepath.Dir(name)
	if info, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no directory %s: make it first", dir)
	} else if err == nil && !info.IsDir() {
		return fmt.Errorf("%s is no directory", dir)
	}
	return nil
}

// freeDir says why a new directory cannot come to be: one that is there must be empty.
func freeDir(name string) error {
	entries, err := os.ReadDir(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return free(name)
	case err != nil:
		return err
	case len(entries) > 0:
		return fmt.Errorf("%s is not empty: nothing is overwritten, choose another directory", name)
	}
	return nil
}

// newFile writes a file of mode 0600 that appears under its name only when it is whole and on disk. It replaces nothing.
func newFile(name string, write func(*os.File) error) error {
	if err := free(name); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".intentd-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err := errors.Join(write(f), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), name) // fails, where a rename would replace, if the name was taken meanwhile
}

// newEvents makes a copy of the event store that appears under its name only when it is whole.
func newEvents(ctx context.Context, t app.Target, name string) (int64, error) {
	name = filepath.Clean(name)
	dir, err := os.MkdirTemp(filepath.Dir(name), ".intentd-*")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	n, err := t.BackupEvents(ctx, dir)
	if err != nil {
		return 0, err
	}
	return n, os.Rename(dir, name) // replaces an empty directory and nothing else
}
