package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/cmd/intentd/internal/web"
)

func (c *command) page() *cobra.Command {
	return &cobra.Command{
		Use:   "page",
		Short: "Print a link that opens intentd's page in a browser",
		Long: `Prints a link to the page of the running daemon (http.page: true). It signs in whoever opens it, once, within ten minutes; the browser
then stays signed in for twelve hours, or until the daemon ends. docs/page.md tells of the other ways to sign in.`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			link, err := ask(cmd.Context(), c, app.OpenPage, app.Nothing{})
			if err != nil {
				return err
			}
			return c.print(link, func(w io.Writer) {
				fmt.Fprintf(w, "%s\nIt works once, until %s. Whoever opens it can look at everybody intentd knows.\n", link.URL, link.Until.Local().Format(time.TimeOnly))
			})
		},
	}
}

// newPage is the page of an app that listens.
func newPage(a *app.App) app.Page { return web.New(a) }
