package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/connectors/sandbox"
)

func (c *command) sandbox() *cobra.Command {
	var listen string
	var contacts int
	var seed uint64
	var o sandbox.HubSpotOptions
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Serve a CRM in a box that speaks HubSpot's protocol",
		Long: `Serves a portal of invented people from memory until it is stopped, for trying intentd out and for testing other software against.
Point a CRM of type hubspot at the printed base_url and token.`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if contacts < 0 {
				return misuse(cmd, "--contacts must not be negative")
			}
			switch o.Tier {
			case "starter", "professional", "enterprise":
			default:
				return misuse(cmd, "--tier is starter, professional or enterprise")
			}
			portal := sandbox.NewHubSpot(o)
			sandbox.Populate(portal, contacts, seed)
			base, err := portal.Listen(cmd.Context(), listen)
			if err != nil {
				return err
			}
			if err := c.print(map[string]any{"base_url": base, "token": o.Token, "contacts": contacts}, func(w io.Writer) {
				fmt.Fprintf(w, "base_url: %s\ntoken: %s\n%s; stop with Ctrl-C\n", base, o.Token, plural(contacts, "contact"))
			}); err != nil {
				return err
			}
			<-cmd.Context().Done()
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&listen, "listen", "127.0.0.1:8788", "`ADDRESS` to serve on")
	f.StringVar(&o.Token, "token", "pat-na1-sandbox", "access `TOKEN`")
	f.StringVar(&o.Tier, "tier", "professional", "starter, professional or enterprise: decides limits")
	f.StringVar(&o.TimeZone, "timezone", "Europe/Berlin", "time `ZONE` of the portal")
	f.BoolVar(&o.Unlimited, "unlimited", false, "no rate limits")
	f.DurationVar(&o.SearchLag, "search-lag", 0, "how long a write stays unseen by search")
	f.IntVar(&contacts, "contacts", 100, "how many `PEOPLE` to invent")
	f.Uint64Var(&seed, "seed", 1, "equal seeds give equal people")
	return cmd
}
