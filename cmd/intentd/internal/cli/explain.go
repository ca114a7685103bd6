package cli

import (
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/pipeline/receipt"
)

func (c *command) explain() *cobra.Command {
	var events, source, at string
	cmd := &cobra.Command{
		Use:   "explain EMAIL|ID [--at TIME] | --source NAME [EMAIL|ID] | --event FILE",
		Short: "Show why a person has their score",
		Long: `Shows the receipt of a person's last score: the parts with what went into each, every signal, topic and sentence with its
events, what the person is known by and why, what comes next, and whether it all adds up. ID is a record of the CRM ("hubspot/contacts/101", or 101).

With --at TIME it shows what the score was then, under the settings of then, and what the same facts give under those of now: from what is kept of each change, without a source or
a model. TIME is a date, which stands for its end, a moment (2026-11-28T09:00:00Z) or a duration back from now.

With --source NAME it asks one source anew and shows the question as it was sent, its rows, and what became of each: as which signal it counts, or
why it does not. Without a person it shows who was active since the source was last asked. Nothing is kept.

With --event FILE it shows of events in a file what each would count as under the configuration, by its rules or without one, and why one does not
count. FILE is read as by intentd try; nobody is looked up, and nothing is kept.`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case events != "" && source != "" || at != "" && events+source != "":
				return misuse(cmd, "--event, --source and --at exclude each other")
			case events != "" || source != "" && len(args) == 0:
				return exactly()(cmd, args)
			}
			return exactly("an e-mail address or a record id")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if events != "" {
				return c.explainEvents(cmd, events)
			}
			if source != "" {
				return c.explainSource(cmd, source, strings.Join(args, ""))
			}
			cfg, t, done, err := c.reach(cmd.Context())
			if err != nil {
				return err
			}
			defer done()
			if at != "" {
				return c.explainAt(cmd, t, args[0], at, cfg.Text.Location())
			}
			r, err := app.Explain.Do(cmd.Context(), t, app.Who{Who: args[0]})
			if err != nil {
				return err
			}
			var failed error
			err = c.print(r, func(w io.Writer) { failed = r.Text(w, receipt.TextOptions{Location: cfg.Text.Location()}) })
			if err == nil {
				err = failed
			}
			return err
		},
	}
	cmd.Flags().StringVar(&at, "at", "", "show what the score was at this `TIME`")
	cmd.Flags().StringVar(&source, "source", "", "show what the source `NAME` is asked and answers")
	cmd.Flags().StringVar(&events, "event", "", "show what the events in `FILE` count as")
	return cmd
}

// explainEvents shows what the events of a file count as, under the configuration as it is in its file.
func (c *command) explainEvents(cmd *cobra.Command, file string) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	now := time.Now()
	read, err := readJourney(file, cmd.InOrStdin(), now)
	if err != nil {
		return err
	}
	t, err := app.Try(cmd.Context(), read, app.TryOptions{Config: cfg, Model: "rules", Now: now})
	if err != nil {
		return err
	}
	return c.print(t.People, func(w io.Writer) {
		p := tryPage{w: w, t: t, file: file, now: now}
		p.read()
		for i := range t.People {
			p.happened(&t.People[i])
		}
	})
}
