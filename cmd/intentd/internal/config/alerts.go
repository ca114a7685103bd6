package config

import (
	"fmt"
	"net/mail"
	"net/url"
	"reflect"
	"strconv"
	"strings"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/connectors/notify"
)

// Alert is a channel that tells a team of people who enter a tier.
type Alert struct {
	Name     string   `mapstructure:"name"`     // of the channel; alerts that wait go by it
	Type     string   `mapstructure:"type"`     // slack | teams | webhook | mail | crm_task
	On       []string `mapstructure:"on"`       // high, medium; none: high
	Owner    bool     `mapstructure:"owner"`    // slack with a token, mail: to the owner of the record, where the CRM tells their address
	Show     []string `mapstructure:"show"`     // name, headline; beside record, link, score and tier
	Quiet    string   `mapstructure:"quiet"`    // "20:00-08:00": nothing is told then, it waits
	Daily    string   `mapstructure:"daily"`    // "08:00": everything waits for this time; "": it is told as it comes
	Language string   `mapstructure:"language"` // "" takes text.language

	CRM string `mapstructure:"crm"` // crm_task: the name of the CRM that tasks are made in

	URL     connectors.Secret `mapstructure:"url"` // slack, teams, webhook: the address, which is the credential
	URLFile string            `mapstructure:"url_file"`

	Token     connectors.Secret `mapstructure:"token"` // slack: a bot's, in the place of a url
	TokenFile string            `mapstructure:"token_file"`
	Channel   string            `mapstructure:"channel"`  // slack: where a bot writes to, if not to an owner
	BaseURL   string            `mapstructure:"base_url"` // slack: "" for Slack's own

	Secret     connectors.Secret `mapstructure:"secret"` // webhook: what events are signed with, whsec_…
	SecretFile string            `mapstructure:"secret_file"`

	Host         string            `mapstructure:"host"`     // mail: the server, host or host:port
	Security     string            `mapstructure:"security"` // starttls | tls | none
	From         string            `mapstructure:"from"`
	To           []string          `mapstructure:"to"`
	User         string            `mapstructure:"user"`
	Password     connectors.Secret `mapstructure:"password"`
	PasswordFile string            `mapstructure:"password_file"`
	OAuth        MailOAuth         `mapstructure:"oauth"`
}

// MailOAuth are client credentials that sign in to a mail server in the place of a password.
type MailOAuth struct {
	TokenURL         string            `mapstructure:"token_url"` // "": a password is used
	ClientID         string            `mapstructure:"client_id"`
	ClientSecret     connectors.Secret `mapstructure:"client_secret"`
	ClientSecretFile string            `mapstructure:"client_secret_file"`
	Scope            string            `mapstructure:"scope"`
}

// Shows says whether a channel may tell something of a person.
func (a *Alert) Shows(what string) bool {
	for _, s := range a.Show {
		if s == what {
			return true
		}
	}
	return false
}

// TaskAlert is the type of a channel that makes tasks in a CRM.
const TaskAlert = "crm_task"

// Place is the host that a channel sends to, or the CRM. No more of an address may be told.
func (a *Alert) Place() string {
	switch u, err := url.Parse(a.URL.Reveal()); {
	case a.Type == "mail":
		return a.Host
	case a.Type == TaskAlert:
		return a.CRM
	case err == nil && u.Host != "":
		return u.Host
	}
	return "slack.com"
}

// QuietHours are minutes of the day from when to when nothing is told; the same twice: there are none. The value was checked when the
// configuration was read.
func (a *Alert) QuietHours() (begin, end int) {
	from, to, _ := strings.Cut(a.Quiet, "-")
	begin, ok := minuteOfDay(from)
	end, ok2 := minuteOfDay(to)
	if !ok || !ok2 {
		return 0, 0
	}
	return begin, end
}

// DailyAt is the minute of the day that everything waits for; false if nothing does.
func (a *Alert) DailyAt() (int, bool) { return minuteOfDay(a.Daily) }

// minuteOfDay reads "08:00".
func minuteOfDay(s string) (int, bool) {
	hour, minute, ok := strings.Cut(strings.TrimSpace(s), ":")
	h, err := strconv.ParseUint(hour, 10, 8)
	m, err2 := strconv.ParseUint(minute, 10, 8)
	if !ok || err != nil || err2 != nil || len(minute) != 2 || h > 23 || m > 59 {
		return 0, false
	}
	return int(h*60 + m), true
}

func (c *checker) alerts(cfg *Config) {
	seen := map[string]int{}
	for i := range cfg.Alerts {
		a := &cfg.Alerts[i]
		at := fmt.Sprintf("alerts[%d]", i)
		c.secrets(at, "", reflect.ValueOf(a).Elem())
		c.Required(at+".name", a.Name, "name the channel, for example sales")
		if first, twice := seen[a.Name]; twice && a.Name != "" {
			c.Add(at+".name", fmt.Sprintf("alerts[%d] is called %s, too", first, connectors.Quoted(a.Name)), "alerts that wait go by the name: give each channel its own")
		}
		seen[a.Name] = i
		if len(a.On) == 0 {
			a.On = []string{"high"}
		}
		for k, tier := range a.On {
			c.OneOf(fmt.Sprintf("%s.on[%d]", at, k), tier, "high", "medium")
		}
		for k, what := range a.Show {
			c.OneOf(fmt.Sprintf("%s.show[%d]", at, k), what, "name", "headline")
		}
		if begin, end := a.QuietHours(); a.Quiet != "" && begin == end {
			c.Add(at+".quiet", connectors.Quoted(a.Quiet)+" are no hours", `write for example "20:00-08:00"`)
		}
		if _, ok := a.DailyAt(); a.Daily != "" && !ok {
			c.Add(at+".daily", connectors.Quoted(a.Daily)+" is no time of day", `write for example "08:00"`)
		}
		if a.Language != "" {
			c.OneOf(at+".language", a.Language, "en", "de")
		}
		if c.OneOf(at+".type", a.Type, "slack", "teams", "webhook", "mail", TaskAlert) {
			c.alert(at, a, cfg.CRMs)
		}
	}
}

// alert looks at what a channel of its type needs.
func (c *checker) alert(at string, a *Alert, crms []CRM) {
	if a.CRM != "" && a.Type != TaskAlert {
		c.Add(at+".crm", "is of a channel of type "+TaskAlert, "set type: "+TaskAlert+", or leave it out")
	}
	switch {
	case a.Type == TaskAlert:
		c.task(at, a, crms)
		return
	case a.Type == "mail":
		c.mail(at, a)
	case a.Type == "slack" && a.URL.IsZero() && a.URLFile == "":
		c.Secret(at+".url", a.Token, "the webhook's url, or a bot's token,", "name the file that holds one of them in url_file or token_file")
		if a.Channel == "" && !a.Owner {
			c.Add(at+".channel", "missing: the bot has nowhere to write to", "name a channel by its id, such as C0123456789, or set owner: true")
		}
		if a.BaseURL != "" {
			c.In(at).URL("base_url", a.BaseURL)
		}
	default:
		c.hook(at, a)
	}
	if a.Owner && a.Type != "mail" && a.Token.IsZero() && a.TokenFile == "" {
		c.Add(at+".owner", "a channel of this kind has one place for everybody", "use mail, or slack with a bot's token, to reach owners")
	}
}

// task looks at a channel of tasks. Each has a record, so that the owner is always whoever owns that.
func (c *checker) task(at string, a *Alert, crms []CRM) {
	var names []string
	for i := range crms {
		names = append(names, crms[i].Name)
	}
	if c.Required(at+".crm", a.CRM, "name the CRM that tasks are made in, as crms does") {
		c.OneOf(at+".crm", a.CRM, names...)
	}
	if a.Owner {
		c.Add(at+".owner", "a task is always its record's owner's", "leave it out")
	}
}

func (c *checker) hook(at string, a *Alert) {
	if !c.Secret(at+".url", a.URL, "the address", "copy the whole address into a file of mode 0600 and name that in url_file") {
		return
	}
	u, err := url.Parse(a.URL.Reveal())
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		c.Add(at+".url", "is no address of a web server", "copy the whole address, from https:// to its end")
	case strings.HasSuffix(u.Host, ".webhook.office.com"):
		c.Warn(at+".url", "is of an Office 365 connector, which Microsoft ended in May 2026", `make a flow "Post to a channel when a webhook request is received" in Teams and use its address`)
	}
	if a.Type != "webhook" {
		return
	}
	if c.Secret(at+".secret", a.Secret, "the secret that signs events", "make one: echo whsec_$(openssl rand -base64 32)") {
		if _, err := notify.WebhookKey(a.Secret); err != nil {
			c.Add(at+".secret", err.Error(), "make one: echo whsec_$(openssl rand -base64 32)")
		}
	}
}

func (c *checker) mail(at string, a *Alert) {
	c.Required(at+".host", a.Host, "name the mail server, for example smtp.example.com")
	if a.Security != "" {
		c.OneOf(at+".security", a.Security, "starttls", "tls", "none")
	}
	if c.Required(at+".from", a.From, "write the address that mails come from") {
		c.mailAddress(at+".from", a.From)
	}
	for k, to := range a.To {
		c.mailAddress(fmt.Sprintf("%s.to[%d]", at, k), to)
	}
	if len(a.To) == 0 && !a.Owner {
		c.Add(at+".to", "missing: nobody would get the mail", "list addresses, or set owner: true")
	}
	if a.User == "" && (!a.Password.IsZero() || a.OAuth.TokenURL != "") {
		c.Add(at+".user", "missing beside password or oauth", "write the mailbox that signs in")
	}
	if o := &a.OAuth; o.TokenURL != "" {
		c.In(at).URL("oauth.token_url", o.TokenURL)
		c.Required(at+".oauth.client_id", o.ClientID, "write the app's client id")
		c.Secret(at+".oauth.client_secret", o.ClientSecret, "the app's secret", "name the file that holds it in oauth.client_secret_file")
		c.Required(at+".oauth.scope", o.Scope, "write for example https://outlook.office365.com/.default")
	}
}

func (c *checker) mailAddress(at, s string) {
	if _, err := mail.ParseAddress(s); err != nil {
		c.Add(at, "is no mail address", "write for example sales@example.com")
	}
}
