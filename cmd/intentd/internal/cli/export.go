package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/app"
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/privacy"
	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/pipeline/score"
	"github.com/intentd/intentd/state"
)

func (c *command) export() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "export EMAIL|ID",
		Short: "Print all that is held about a person",
		Long: `Prints all that intentd holds about a person, in words, with what the CRM and the sources tell at this moment: what a person may ask
to see. With --json the same for machines, and with the last detail.`,
		Args: exactly("an e-mail address or a record id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, t, done, err := c.reach(cmd.Context())
			if err != nil {
				return err
			}
			defer done()
			held, err := app.Export.Do(cmd.Context(), t, app.Who{Who: args[0]})
			if err != nil {
				return err
			}
			write := func(w io.Writer) error {
				if c.json {
					e := json.NewEncoder(w)
					e.SetIndent("", "  ")
					return e.Encode(held)
				}
				d := access{w: w, held: held, who: args[0], loc: cfg.Text.Location()}
				d.print()
				return d.err
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

// access tells a person what is held about them.
type access struct {
	w    io.Writer
	held *privacy.PersonData
	who  string
	loc  *time.Location
	err  error
}

func (d *access) line(format string, args ...any) {
	if d.err == nil {
		_, d.err = fmt.Fprintf(d.w, format+"\n", args...)
	}
}

// item is a name with its value; nothing where there is none.
func (d *access) item(name, value string) {
	if value != "" {
		d.line("  %-22s %s", name, strings.ReplaceAll(value, "\n", "\n"+strings.Repeat(" ", 25)))
	}
}

func (d *access) moment(t time.Time) string { return t.In(d.loc).Format("2 Jan 2006 15:04 MST") }

func (d *access) print() {
	h := d.held
	d.line("What is held about %s", d.who)
	if len(h.Core.Contacts) == 0 {
		d.line("No CRM record of theirs is known; there are events under that address.")
	}
	for _, ref := range slices.Sorted(maps.Keys(h.Records)) {
		d.record(ref, h.Records[ref])
	}
	if len(h.Links) > 0 {
		d.line("\nKnown to be theirs as well")
		for _, l := range h.Links {
			why := strings.TrimSuffix(strings.Join([]string{l.Source, l.Reason}, ", "), ", ")
			d.item(linkName(l.Kind), fmt.Sprintf("%s (%s, since %s)", l.Value, strings.TrimPrefix(why, ", "), d.moment(l.At)))
		}
	}
	d.results()
	d.work()
	d.events()
	for _, note := range h.Notes {
		d.line("\nNot complete: %s", note)
	}
}

func linkName(k state.LinkKind) string {
	switch k {
	case state.LinkEmail:
		return "e-mail address"
	case state.LinkPhone:
		return "phone number"
	case state.LinkUserID:
		return "user id"
	case state.LinkAnonymousID:
		return "anonymous id"
	}
	return "identifier"
}

// record is one record of the CRM, as it answers now.
func (d *access) record(ref string, r privacy.RecordData) {
	d.line("\nRecord %s", ref)
	c := r.Now
	if c == nil {
		d.line("  The CRM did not answer; intentd itself keeps checksums of the record only.")
		return
	}
	d.item("name", strings.TrimSpace(c.Profile.FirstName+" "+c.Profile.LastName))
	d.item("e-mail", strings.Join(c.Emails, ", "))
	d.item("phone", strings.Join(c.Phones, ", "))
	d.item("job title", c.Profile.JobTitle)
	d.item("company", c.Profile.Company)
	d.item("life-cycle stage", c.Profile.Lifecycle)
	d.item("lead status", c.Profile.LeadStatus)
	d.item("consent", r.Consent)
	for _, name := range slices.Sorted(maps.Keys(c.Fields)) {
		d.item(name, c.Fields[name])
	}
	for _, f := range connectors.AllPersonFields().Fields {
		d.item("intentd: "+f.Name, c.Ours[f.Name])
	}
}

// results are the explanations kept, the scores before them and what reps said.
func (d *access) results() {
	h := d.held
	for i, r := range h.Receipts {
		if i == 0 {
			d.line("\nWhy they have their score\n")
			if d.err == nil {
				d.err = r.Text(d.w, receipt.TextOptions{Location: d.loc})
			}
			continue
		}
		d.line("\nAn earlier explanation, of %s: %s %s (intentd export --json has it whole)", d.moment(r.At), score.FormatTenths(r.Parts.Score), r.Tier)
	}
	switch arm := h.Core.Arm; {
	case h.Core.HeldOut():
		d.line("\nHeld out since %s, for comparison: nothing is written to a CRM", d.moment(arm.Since))
	case !arm.Since.IsZero() && !arm.Mixed:
		d.line("\nCompared with people held out since %s", d.moment(arm.Since))
	}
	if len(h.History) > 0 {
		d.line("\nScores before")
		for _, p := range h.History {
			d.item(d.moment(p.At), score.FormatTenths(int(p.Score))+" "+score.Tier(p.Tier).String())
		}
	}
	if n := len(h.Snapshots); n > 0 {
		d.line("\nWhat their score rested on: %s since %s (intentd export --json has each whole)", plural(n, "snapshot"), d.moment(h.Snapshots[0].At))
		d.read(h.Snapshots[n-1].Read)
	}
	if len(h.Verdicts) > 0 {
		d.line("\nWhat their rep said")
		for _, v := range h.Verdicts {
			d.item(d.moment(v.At), cmp.Or(v.Verdict, "(taken back)"))
		}
	}
}

// read names the topics that somebody read about.
func (d *access) read(topics []score.Read) {
	names := make([]string, len(topics))
	for i := range topics {
		names[i] = shown(topics[i].Name)
	}
	d.item("read about", strings.Join(names, ", "))
}

// work is what is under way or was refused.
func (d *access) work() {
	for _, p := range d.held.Pending {
		d.line("\nOn its way to %s since %s", p.Patch.Ref, d.moment(p.Staged))
		for _, f := range connectors.AllPersonFields().Fields {
			if v, ok := p.Patch.Fields[f.Name]; ok {
				d.item(f.Name, cmp.Or(v, "(emptied)"))
			}
		}
	}
	for _, l := range d.held.Dead {
		d.line("\nRefused by the CRM since %s: %s", d.moment(l.First), l.Message)
	}
}

func (d *access) events() {
	events := slices.Clone(d.held.Events)
	slices.SortStableFunc(events, func(a, b connectors.Event) int { return a.Time.Compare(b.Time) })
	d.line("\nWhat they did: %s", plural(len(events), "event"))
	for _, e := range events {
		parts := []string{strings.ReplaceAll(e.Kind, "_", " ")}
		for _, s := range []string{e.PageTitle, e.ElementText, e.URL, e.Referrer} {
			if s != "" {
				parts = append(parts, shown(s))
			}
		}
		for _, name := range slices.Sorted(maps.Keys(e.Properties)) {
			parts = append(parts, name+": "+shown(e.Properties[name]))
		}
		d.line("  %s  %s  [%s %s]", d.moment(e.Time), strings.Join(parts, " · "), e.Source, e.ID)
	}
}
