package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/connectors/sandbox"
)

func (c *command) sandbox() *cobra.Command {
	var crm, listen string
	var contacts int
	var seed uint64
	var h sandbox.HubSpotOptions
	var s sandbox.SalesforceOptions
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Serve a CRM in a box that speaks HubSpot's or Salesforce's protocol",
		Long: `Serves a CRM of invented people from memory until it is stopped, for trying intentd out and for testing other software against.
Point a CRM of the same type at what is printed. Flags that name a CRM in brackets are for that one alone.`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if contacts < 0 {
				return misuse(cmd, "--contacts must not be negative")
			}
			var base string
			var err error
			var told map[string]any
			switch crm {
			case "hubspot":
				switch h.Tier {
				case "starter", "professional", "enterprise":
				default:
					return misuse(cmd, "--tier is starter, professional or enterprise")
				}
				h.App = &sandbox.JournalApp{ClientID: s.ClientID, ClientSecret: s.ClientSecret}
				portal := sandbox.NewHubSpot(h)
				sandbox.Populate(portal, contacts, seed)
				base, err = portal.Listen(cmd.Context(), listen)
				told = map[string]any{"base_url": base, "token": h.Token, "client_id": s.ClientID, "client_secret": s.ClientSecret, "contacts": contacts}
			case "salesforce":
				s.Unlimited = h.Unlimited
				org := sandbox.NewSalesforce(s)
				org.Populate(contacts, seed)
				base, err = org.Listen(cmd.Context(), listen)
				told = map[string]any{"login_url": base, "instance_url": base, "flow": "client_credentials", "client_id": s.ClientID, "client_secret": s.ClientSecret, "contacts": contacts}
			default:
				return misuse(cmd, "--crm is hubspot or salesforce")
			}
			if app.InUse(err) {
				return fmt.Errorf("%s is in use by another program: name another address with --listen", listen)
			}
			if err != nil {
				return err
			}
			if err := c.print(told, func(w io.Writer) {
				for _, key := range []string{"base_url", "token", "login_url", "instance_url", "flow", "client_id", "client_secret"} {
					if v, ok := told[key]; ok {
						fmt.Fprintf(w, "%s: %s\n", key, v)
					}
				}
				fmt.Fprintf(w, "%s; stop with Ctrl-C\n", plural(contacts, "contact"))
			}); err != nil {
				return err
			}
			<-cmd.Context().Done()
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&crm, "crm", "hubspot", "hubspot or salesforce: whose protocol it speaks")
	f.StringVar(&listen, "listen", "127.0.0.1:8788", "`ADDRESS` to serve on")
	f.StringVar(&h.Token, "token", "pat-na1-sandbox", "access `TOKEN` (hubspot)")
	f.StringVar(&h.Tier, "tier", "professional", "starter, professional or enterprise: decides limits (hubspot)")
	f.StringVar(&h.TimeZone, "timezone", "Europe/Berlin", "time `ZONE` of the portal (hubspot)")
	f.DurationVar(&h.SearchLag, "search-lag", 0, "how long a write stays unseen by search (hubspot)")
	f.StringVar(&s.ClientID, "client-id", "sandbox-client", "consumer `KEY` of the app (salesforce), client id of the app that reads the journal (hubspot)")
	f.StringVar(&s.ClientSecret, "client-secret", "sandbox-secret", "its `SECRET`")
	f.StringVar(&s.RefreshToken, "refresh-token", "", "refresh `TOKEN` that is taken as well (salesforce)")
	f.IntVar(&s.DailyLimit, "daily-limit", 100_000, "API calls in 24 hours (salesforce)")
	f.BoolVar(&h.Unlimited, "unlimited", false, "no rate limits")
	f.IntVar(&contacts, "contacts", 100, "how many `PEOPLE` to invent")
	f.Uint64Var(&seed, "seed", 1, "equal seeds give equal people")
	return cmd
}
