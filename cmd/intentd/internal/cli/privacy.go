package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/cmd/intentd/internal/disclosure"
)

func (c *command) privacy() *cobra.Command {
	var arg app.PrivacyArguments
	cmd := &cobra.Command{
		Use:   "privacy",
		Short: "Print what is read, sent to whom and kept how long: for the record of processing, a DPIA, a works council",
		Long: `Prints a document in Markdown of what this configuration has intentd do with personal data: the facts for a record of processing
activities, an annex to a data-protection impact assessment, and an annex for a works council. A running daemon tells of the
configuration that is in force, otherwise the file is read. What intentd cannot know stands in [brackets].

  intentd privacy > data-flow.md
  intentd privacy --language de > datenfluss.md`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := c.disclose(cmd, arg)
			if err == nil {
				_, err = fmt.Fprint(c.Stdout, text)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&arg.Language, "language", "en", "of the document: en or de")
	return cmd
}

func (c *command) disclose(cmd *cobra.Command, arg app.PrivacyArguments) (string, error) {
	if !slices.Contains(disclosure.Languages, arg.Language) {
		return "", misuse(cmd, "there is no document in %q: choose %s", arg.Language, strings.Join(disclosure.Languages, " or "))
	}
	if client, _ := c.daemon(cmd.Context()); client != nil {
		return app.Privacy.Do(cmd.Context(), client, arg)
	}
	cfg, err := c.load()
	if err != nil {
		return "", err
	}
	return disclosure.Document(cfg, c.file, arg.Language)
}
