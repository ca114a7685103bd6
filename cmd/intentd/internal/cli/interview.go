package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/intentd/intentd/cmd/intentd/internal/config"
	"github.com/intentd/intentd/cmd/intentd/internal/setup"
)

// interview asks for what no flag said.
func (c *command) interview(cmd *cobra.Command, a *setup.Answers) error {
	q := &questions{ctx: cmd.Context(), c: c, in: bufio.NewReader(c.stdin())}
	fmt.Fprint(c.Stdout, "Five questions. Return takes what stands in [brackets]; Ctrl-C ends, and nothing is written before the last answer.\n")
	q.about("1/5  Whose CRM is it?")
	q.choose(&a.CRM, "hubspot or salesforce", setup.CRMs)
	q.about("2/5  By which credentials?")
	if a.CRM == "salesforce" {
		fmt.Fprint(c.Stdout, "     An External Client App with the client credentials flow; docs/salesforce.md shows each click.\n")
		q.line(&a.URL, "the org's address, https://….my.salesforce.com", "")
		q.line(&a.ClientID, "the app's consumer key", "")
		q.secret(&a.Secret, &a.SecretFile, "the app's consumer secret")
	} else {
		fmt.Fprint(c.Stdout, `     HubSpot → Development → Keys → Service keys, with the scopes crm.objects.contacts.read, crm.objects.contacts.write,
     crm.schemas.contacts.read and crm.schemas.contacts.write; crm.objects.deals.read, too, for what closed deals teach.
`)
		q.secret(&a.Secret, &a.SecretFile, "the key")
	}
	q.about("3/5  Where do journeys come from, beside what the CRM knows?")
	q.choose(&a.Journeys, "crm (nowhere else yet), files (JSON lines) or collector (trackers send them here)", setup.Journeys)
	if a.Journeys == setup.FromFiles {
		q.line(&a.Path, "where the files lie", "./events")
	}
	if !cmd.Flags().Changed("site") {
		q.optional(&a.Site, "your site, such as www.example.com, or nothing")
	}
	q.about("4/5  Who writes the texts? The score is the same formula either way.")
	q.choose(&a.Model, "rules (no key, no network) or gemini", setup.Models)
	if a.Model != config.Rules {
		q.secret(&a.Key, &a.KeyFile, "its key")
	}
	q.about("5/5  What do reps read?")
	q.choose(&a.Language, "en or de", setup.Languages)
	if !cmd.Flags().Changed("timezone") {
		q.timezone(&a.Timezone)
	}
	fmt.Fprintln(c.Stdout)
	return q.err
}

// questions asks one after another until an answer fails.
type questions struct {
	ctx context.Context
	c   *command
	in  *bufio.Reader
	err error
}

func (q *questions) about(title string) {
	if q.err == nil {
		fmt.Fprintf(q.c.Stdout, "\n%s\n", title)
	}
}

// line asks until there is an answer; what a flag said is not asked.
func (q *questions) line(into *string, what, usual string) {
	if *into == "" {
		q.until(into, what, usual, func(answer string) string {
			if answer == "" {
				return "An answer is needed."
			}
			return ""
		})
	}
}

// optional asks once.
func (q *questions) optional(into *string, what string) {
	q.until(into, what, "", func(string) string { return "" })
}

// choose asks for one of the choices, of which the first is the usual one.
func (q *questions) choose(into *string, what string, choices []string) {
	if *into != "" {
		return
	}
	q.until(into, what, choices[0], func(answer string) string {
		if slices.Contains(choices, answer) {
			return ""
		}
		return "It is " + either(choices) + "."
	})
}

func (q *questions) timezone(into *string) {
	q.until(into, "time zone of dates", cmp.Or(*into, "UTC"), func(answer string) string {
		if _, err := time.LoadLocation(answer); err != nil {
			return fmt.Sprintf("There is no time zone %q; write for example Europe/Berlin.", answer)
		}
		return ""
	})
}

// until asks until nothing is wrong with the answer.
func (q *questions) until(into *string, what, usual string, wrong func(string) string) {
	for q.err == nil {
		prompt := "     " + what
		if usual != "" {
			prompt += " [" + usual + "]"
		}
		fmt.Fprint(q.c.Stdout, prompt+": ")
		answer := cmp.Or(q.read(q.text), usual)
		if q.err != nil {
			return
		}
		if why := wrong(answer); why != "" {
			fmt.Fprintln(q.c.Stdout, "     "+why)
			continue
		}
		*into = answer
		return
	}
}

// secret asks for a secret, which does not show as it is typed, or for the path of a file that holds it.
func (q *questions) secret(value, file *string, what string) {
	for q.err == nil && *value == "" && *file == "" {
		fmt.Fprintf(q.c.Stdout, "     %s, or the path of a file that holds it (neither is shown): ", what)
		answer := q.read(q.hidden)
		if info, err := os.Stat(answer); err == nil && info.Mode().IsRegular() {
			*file = answer
			continue
		}
		switch {
		case answer == "":
			if q.err == nil {
				fmt.Fprintln(q.c.Stdout, "     An answer is needed.")
			}
		case strings.ContainsAny(answer, "/\\ ") && !strings.Contains(answer, "="):
			fmt.Fprintln(q.c.Stdout, "     There is no such file.")
		default:
			*value = answer
		}
	}
}

func (q *questions) text() (string, error) { return q.in.ReadString('\n') }

func (q *questions) hidden() (string, error) {
	if q.c.Hidden == nil {
		return q.text()
	}
	answer, err := q.c.Hidden(q.ctx)
	fmt.Fprintln(q.c.Stdout)
	return answer, err
}

// read takes one answer. The wish to stop ends the wait.
func (q *questions) read(from func() (string, error)) string {
	type answer struct {
		text string
		err  error
	}
	came := make(chan answer, 1)
	go func() {
		text, err := from()
		came <- answer{text, err}
	}()
	select {
	case <-q.ctx.Done():
		q.err = &exitError{Failed, errors.New("ended by request; nothing was written")}
	case got := <-came:
		text := strings.TrimSpace(got.text)
		if got.err == nil || errors.Is(got.err, io.EOF) && text != "" {
			return text
		}
		q.err = fmt.Errorf("the answers ended before the questions did; nothing was written (%w)", got.err)
	}
	return ""
}

// either names choices in a sentence.
func either(choices []string) string {
	last := len(choices) - 1
	return strings.Join(choices[:last], ", ") + " or " + choices[last]
}
