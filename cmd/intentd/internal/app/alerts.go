package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/connectors"
	messages "github.com/intentd/intentd/connectors/notify"
	"github.com/intentd/intentd/pipeline"
	"github.com/intentd/intentd/pipeline/alert"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/state"
)

// alerts makes the channels that tell of people who enter a tier.
func (b *builder) alerts() error {
	for i := range b.cfg.Alerts {
		a := &b.cfg.Alerts[i]
		sender, err := b.sender(a)
		if err != nil {
			return fmt.Errorf("alert %s: %w", a.Name, err)
		}
		hours := alert.Hours{Location: b.cfg.Text.Location()}
		begin, end := a.QuietHours()
		hours.Begin, hours.End = alert.Clock(begin), alert.Clock(end)
		if at, ok := a.DailyAt(); ok {
			daily := alert.Clock(at)
			hours.Daily = &daily
		}
		b.channels = append(b.channels, alert.Channel{
			Name: a.Name, Kind: a.Type, CRM: a.CRM, Sender: sender, Owner: a.Owner, Names: a.Shows("name"), Headline: a.Shows("headline"), Language: cmp.Or(a.Language, b.cfg.Text.Language), Hours: hours,
		})
		told := pipeline.Alert{Channel: a.Name}
		for _, word := range a.On {
			var tier score.Tier
			if err := tier.UnmarshalText([]byte(word)); err != nil {
				return err
			}
			told.Tiers = append(told.Tiers, tier)
		}
		b.setup.Alerts = append(b.setup.Alerts, told)
	}
	return nil
}

func (b *builder) sender(a *config.Alert) (messages.Channel, error) {
	o := messages.Options{Name: a.Name, HTTP: b.a.o.HTTP, Now: b.a.o.Now, Logger: b.a.log}
	switch {
	case a.Type == config.TaskAlert:
		return b.a.taskChannel(o, a.CRM, b.cfg.Text.Location()), nil
	case a.Type == "slack" && a.URL.IsZero():
		return messages.NewSlackBot(o, a.Token, a.Channel, a.BaseURL)
	case a.Type == "slack":
		return messages.NewSlackWebhook(o, a.URL)
	case a.Type == "teams":
		return messages.NewTeams(o, a.URL)
	case a.Type == "webhook":
		return messages.NewWebhook(o, a.URL, a.Secret)
	}
	m := messages.MailOptions{Options: o, Host: a.Host, Security: a.Security, User: a.User, Password: a.Password, From: a.From, To: a.To}
	if a.OAuth.TokenURL != "" {
		m.OAuth = &messages.OAuth{TokenURL: a.OAuth.TokenURL, ClientID: a.OAuth.ClientID, ClientSecret: a.OAuth.ClientSecret, Scope: a.OAuth.Scope}
	}
	return messages.NewMail(m)
}

// taskChannel makes tasks in the named CRM: in the account that the state is bound to, and in no other.
func (a *App) taskChannel(o messages.Options, crm string, location *time.Location) messages.Channel {
	return messages.NewTask(o, location, func(ctx context.Context, t *connectors.Task) error {
		c, err := a.pipe.CRM(ctx, crm)
		if err != nil {
			return err
		}
		w, ok := c.CRM.(connectors.TaskWriter)
		if !ok {
			return &connectors.Error{Kind: connectors.Config, Op: crm + ": make a task", Message: "a CRM of type " + c.Type + " takes no tasks"}
		}
		return w.PutTask(ctx, t)
	})
}

// channelsNow are the channels that are configured at present.
func (a *App) channelsNow() []alert.Channel {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.made.channels
}

// AlertSample asks for a sample on a channel, or by it to an address.
type AlertSample struct {
	Channel string `json:"channel"`
	To      string `json:"to,omitempty"`
}

// SendSample sends a sample that tells of nobody.
var SendSample = operation("alerts_test", func(a *App, ctx context.Context, arg AlertSample) (Nothing, error) {
	err := a.teller.Sample(ctx, arg.Channel, arg.To)
	if errors.Is(err, alert.ErrNoChannel) {
		var names []string
		for _, c := range a.channelsNow() {
			names = append(names, c.Name)
		}
		if len(names) == 0 {
			return Nothing{}, fmt.Errorf("%w: there are none", err)
		}
		return Nothing{}, fmt.Errorf("%w: %s", err, connectors.Suggest(arg.Channel, names))
	}
	return Nothing{}, err
})

// letterOf is an alert that nobody could be told, as admins see it.
func letterOf(d *state.Alert) DeadLetter {
	l := DeadLetter{Ref: d.Ref.String(), Message: d.Message, Op: "tell " + d.Channel, First: cmp.Or(d.First, d.At), At: d.At, Attempts: d.Attempts,
		Fix: "mend the channel (intentd alerts test " + d.Channel + "); then: intentd dead retry " + d.Ref.String()}
	if !d.Next.IsZero() {
		l.Fix += "; it is tried by itself at " + d.Next.UTC().Format(time.RFC3339)
	}
	return l
}

// alertRefs are the records that one may mean whose dead letters are asked for; none for all.
func (a *App) alertRefs(ref string) (refs []string) {
	if ref == "" {
		return nil
	}
	for _, r := range a.pipe.Setup().RefsNamed(ref) {
		refs = append(refs, r.String())
	}
	return refs
}

// examineAlerts are the doctor's words about the channels and about who may be told.
func (a *App) examineAlerts(ctx context.Context, made *built) (out []Checked) {
	if len(made.channels) == 0 {
		return nil
	}
	names := []string{}
	for _, c := range made.channels {
		names = append(names, c.Name)
	}
	out = append(out, Checked{alertsName, "alerts.channels", connectors.OK, fmt.Sprintf("%s tell of people who enter a tier; none was asked: intentd alerts test CHANNEL does", strings.Join(names, ", ")), ""})
	if letters, err := a.teller.Dead(nil); err == nil && len(letters) > 0 {
		out = append(out, Checked{alertsName, "alerts.dead_letters", connectors.Warning, fmt.Sprintf("%s could not be told, the last: %s", connectors.Counted(len(letters), "alert"), letters[len(letters)-1].Message), "intentd dead list; mend the channel, then intentd dead retry or dead drop"})
	}
	out = append(out, examineTasks(ctx, made)...)
	if !slices.ContainsFunc(made.channels, func(c alert.Channel) bool { return c.Owner }) {
		return out
	}
	return append(out, examineOwners(ctx, made, Checked{"owners", "alerts.owners", connectors.Warning, "alerts go to a channel's own place and not to owners", ""})...)
}

// examineTasks are the doctor's words about the CRMs that tasks are made in.
func examineTasks(ctx context.Context, made *built) (out []Checked) {
	for i := range made.setup.CRMs {
		crm := &made.setup.CRMs[i]
		if !slices.ContainsFunc(made.channels, func(c alert.Channel) bool { return c.CRM == crm.Name }) {
			continue
		}
		found := Checked{crm.Name, "alerts.tasks", connectors.OK, "tasks can be made and read", ""}
		err := error(&connectors.Error{Message: "a CRM of type " + crm.Type + " takes none"})
		if w, ok := crm.CRM.(connectors.TaskWriter); ok {
			err = w.ProbeTasks(ctx)
		}
		switch {
		case err != nil:
			message, fix := connectors.Told(err, "let the token make tasks, or take the alert out")
			found.Severity, found.Message, found.Fix = connectors.Failure, "tasks cannot be made: "+message, fix
		case made.setup.Write.Mode == pipeline.WriteOff:
			found.Severity, found.Message, found.Fix = connectors.Warning, "tasks could be made, but wait: write.mode is off", "set write.mode to canary or on"
		}
		out = append(out, found)
	}
	return out
}

const alertsName = "alerts"
