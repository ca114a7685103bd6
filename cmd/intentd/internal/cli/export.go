package cli

import (
	"encoding/json"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
)

func (c *command) export() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "export EMAIL|ID",
		Short: "Print all that is held about a person, as JSON",
		Args:  exactly("an e-mail address or a record id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			held, err := ask(cmd.Context(), c, app.Export, app.Who{Who: args[0]})
			if err != nil {
				return err
			}
			write := func(w io.Writer) error {
				e := json.NewEncoder(w)
				e.SetIndent("", "  ")
				return e.Encode(held)
			}
			if file == "" {
				return write(c.Stdout)
			}
			return newFile(file, func(f *os.File) error { return write(f) })
		},
	}
	cmd.Flags().StringVarP(&file, "output", "o", "", "write to `FILE` (mode 0600) instead")
	return cmd
}
