// Command manual writes man pages and shell completions of all of intentd's commands into the directories man and completions of the one
// that it is given: for packages, at release time.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra/doc"

	"github.com/intentd/intentd/cmd/intentd/internal/cli"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: manual DIRECTORY VERSION")
		os.Exit(2)
	}
	if err := write(os.Args[1], os.Args[2], os.Getenv("SOURCE_DATE_EPOCH")); err != nil {
		fmt.Fprintln(os.Stderr, "manual: "+err.Error())
		os.Exit(1)
	}
}

// write fills dir. The date of the pages is epoch, in Unix seconds, so that equal sources give equal pages; 1970 without one.
func write(dir, version, epoch string) error {
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil && epoch != "" {
		return fmt.Errorf("SOURCE_DATE_EPOCH is no number of seconds: %q", epoch)
	}
	pages, completions := filepath.Join(dir, "man"), filepath.Join(dir, "completions")
	for _, d := range []string{pages, completions} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	root := cli.Commands()
	root.DisableAutoGenTag = true
	date := time.Unix(seconds, 0).UTC()
	if err := doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "intentd " + version, Manual: "intentd", Date: &date}, pages); err != nil {
		return err
	}
	for name, generate := range map[string]func(string) error{
		"intentd.bash": func(file string) error { return root.GenBashCompletionFileV2(file, true) },
		"_intentd":     root.GenZshCompletionFile,
		"intentd.fish": func(file string) error { return root.GenFishCompletionFile(file, true) },
	} {
		if err := generate(filepath.Join(completions, name)); err != nil {
			return err
		}
	}
	return nil
}
