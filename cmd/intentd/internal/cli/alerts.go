package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/pipeline"
)

func (c *command) alerts() *cobra.Command {
	alerts := &cobra.Command{
		Use:   "alerts",
		Short: "Try the channels that tell of people who enter a tier",
		Long: `Channels of the configuration (alerts) tell a team of people who enter a tier by a new signal: Slack, Teams, a webhook, mail, a
task in the CRM. What could not be told stands in intentd dead list; intentd status counts what waits, and whom nobody is told of.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return misuse(cmd, "alerts needs test CHANNEL")
			}
			return misuse(cmd, "there is no alerts %s: use test", args[0])
		},
		RunE: func(*cobra.Command, []string) error { return nil },
	}
	var arg app.AlertSample
	test := &cobra.Command{
		Use:   "test [--to ADDRESS] CHANNEL",
		Short: "Send a sample that tells of nobody to a channel",
		Args:  exactly("CHANNEL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			arg.Channel = args[0]
			t, _, done, err := c.answerer(cmd.Context()) // a channel is tried before there is a state
			if err != nil {
				return err
			}
			defer done()
			if _, err := app.SendSample.Do(cmd.Context(), t, arg); err != nil {
				return err
			}
			return c.print(map[string]string{"sent": arg.Channel}, func(w io.Writer) {
				fmt.Fprintf(w, "%s took a sample; see whether it arrived as you want it\n", arg.Channel)
			})
		},
	}
	test.Flags().StringVar(&arg.To, "to", "", "as to the owner whose `ADDRESS` this is: mail, and Slack with a bot's token")
	alerts.AddCommand(test)
	return alerts
}

// leftOutWords are why nobody is told of people who entered a tier.
var leftOutWords = map[pipeline.Untold]string{
	pipeline.UntoldFirstSync: "by the first sync",
	pipeline.UntoldBackfill:  "as everybody was worked out anew",
	pipeline.UntoldOld:       "without a new signal",
	pipeline.UntoldHeldOut:   "held out",
}

// alertsText is how alerts stand.
func alertsText(w io.Writer, st app.Status) {
	a := st.Alerts
	if a == nil {
		return
	}
	fmt.Fprintf(w, "alerts     by %s: %d wait, %s; %d told since start", strings.Join(a.Channels, ", "), a.Waiting, plural(a.Dead, "dead letter"), a.Told)
	if a.Overtaken > 0 {
		fmt.Fprintf(w, ", %d overtaken before they could be", a.Overtaken)
	}
	fmt.Fprintln(w)
	var left []string
	for _, why := range slices.Sorted(maps.Keys(a.LeftOut)) {
		left = append(left, fmt.Sprintf("%d %s", a.LeftOut[why], leftOutWords[why]))
	}
	if left != nil {
		fmt.Fprintf(w, "           entered a tier and told to nobody: %s\n", strings.Join(left, ", "))
	}
}
