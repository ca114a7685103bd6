package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

func (c *command) backup() *cobra.Command {
	return &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the state to FILE while the daemon runs",
		Long: `Writes a consistent copy of the state, mode 0600. FILE must not exist; - is standard output. The event store is not in it: it
is filled from your files again. Restore by stopping intentd and putting the copy in the place of the state file.`,
		Args: exactly("a file to write to"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := c.load()
			if err != nil {
				return err
			}
			t, done, err := c.target(cmd.Context(), cfg, true)
			if err != nil {
				return err
			}
			defer done()
			if args[0] == "-" {
				_, err := t.Backup(cmd.Context(), c.Stdout)
				return err
			}
			var n int64
			if err := newFile(args[0], func(f *os.File) error { n, err = t.Backup(cmd.Context(), f); return err }); err != nil {
				return err
			}
			return c.print(map[string]any{"file": args[0], "bytes": n}, func(w io.Writer) { fmt.Fprintf(w, "%s: %d bytes\n", args[0], n) })
		},
	}
}

// newFile writes a file of mode 0600 that appears under its name only when it is whole and on disk. It replaces nothing.
func newFile(name string, write func(*os.File) error) error {
	if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s exists already", name)
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
