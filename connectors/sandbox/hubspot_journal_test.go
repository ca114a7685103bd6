package sandbox

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

const (
	journalLocal  = "/webhooks-journal/journal-local/2026-09"
	journalGlobal = "/webhooks-journal/journal/2026-09"
	subscribing   = "/webhooks-journal/subscriptions/2026-09"
)

// newJournal is a portal with an app, and a token of the app to ask under.
func newJournal(t testing.TB, o JournalApp) *portal {
	o.ClientID, o.ClientSecret = "app", "app-secret"
	p := newPortal(t, HubSpotOptions{App: &o})
	p.token = p.appTokenFor("developer.webhooks_journal.read developer.webhooks_journal.subscriptions.read developer.webhooks_journal.subscriptions.write")
	return p
}

func (p *portal) appTokenFor(scopes string) string {
	p.t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"app"}, "client_secret": {"app-secret"}, "scope": {scopes}}
	q, _ := http.NewRequest("POST", "https://api.hubapi.com/oauth/2026-09/token", strings.NewReader(form.Encode()))
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return at(p.want(200, p.send(q)).json, "access_token").(string)
}

const everyAction = `["CREATE","UPDATE","DELETE","MERGE","RESTORE"]`

func (p *portal) subscribe(properties string) answer {
	p.t.Helper()
	return p.want(200, p.ask("POST", subscribing, `{"subscriptionType":"OBJECT","portalId":146000001,"objectTypeId":"0-1","actions":`+everyAction+`,"properties":`+properties+`}`))
}

// fetch reads the file that an answer points at, without a token.
func (p *portal) fetch(a answer) answer {
	p.t.Helper()
	q, err := http.NewRequest("GET", at(a.json, "url").(string), nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.send(q)
}

// told are the events of the file after an offset ("": the earliest), in short, and its own offset.
func (p *portal) told(journal, offset string) (events []string, next string) {
	p.t.Helper()
	path := journal + "/earliest"
	if offset != "" {
		path = journal + "/offset/" + offset + "/next"
	}
	a := p.ask("GET", path, nil)
	if a.status == 204 {
		return nil, offset
	}
	f := p.want(200, p.fetch(p.want(200, a)))
	if at(f.json, "offset") != at(a.json, "currentOffset") {
		p.t.Errorf("the file of %v says that it is %v", at(a.json, "currentOffset"), at(f.json, "offset"))
	}
	list, _ := at(f.json, "journalEvents").([]any)
	for _, e := range list {
		props, _ := at(e, "propertyChanges").(map[string]any)
		events = append(events, fmt.Sprintf("%v %v %v", at(e, "action"), at(e, "objectId"), len(props)))
	}
	return events, at(a.json, "currentOffset").(string)
}

// Promise: what was subscribed to is told in order, nothing before, no other property, and what an app writes itself like anything else.
func TestJournalTellsWhatWasSubscribedTo(t *testing.T) {
	p := newJournal(t, JournalApp{})
	early := p.CreateContact(map[string]string{"email": "early@b.co"})
	p.clock.advance(time.Minute)
	p.want(204, p.ask("GET", journalLocal+"/earliest", nil))
	p.subscribe(`["email","jobtitle"]`)
	a := p.CreateContact(map[string]string{"email": "a@b.co", "city": "Ulm"})
	p.UpdateContact(early, map[string]string{"jobtitle": "CTO", "city": "Ulm"}, "7")
	p.UpdateContact(early, map[string]string{"city": "Bonn"}, "7")
	p.UpdateContact(early, map[string]string{"jobtitle": "CTO"}, "7") // as it was
	p.want(204, p.ask("GET", journalLocal+"/earliest", nil))
	p.clock.advance(3 * time.Second)
	events, offset := p.told(journalLocal, "")
	if want := fmt.Sprintf("[CREATE %s 1 UPDATE %s 1]", a, early); fmt.Sprint(events) != want {
		t.Errorf("told %v, want %s", events, want)
	}
	merged, _ := p.Merge(early, a)
	p.Archive(merged)
	p.clock.advance(3 * time.Second)
	p.Restore(merged)
	p.Erase(merged) // a type of subscription of its own
	p.clock.advance(3 * time.Second)
	events, next := p.told(journalLocal, offset)
	if want := fmt.Sprintf("[MERGE %s 0 DELETE %s 0]", merged, merged); fmt.Sprint(events) != want {
		t.Errorf("told %v, want %s", events, want)
	}
	if events, _ = p.told(journalLocal, next); fmt.Sprint(events) != fmt.Sprintf("[RESTORE %s 0]", merged) {
		t.Errorf("told %v after it", events)
	}
	if _, global := p.told(journalGlobal, ""); global == offset {
		t.Error("the journals share offsets")
	}
}

// Promise: nothing newer is a 204, an offset that is unknown or too old a 404; files are kept three days, addresses for minutes, and
// neither is had with a token.
func TestJournalExpires(t *testing.T) {
	p := newJournal(t, JournalApp{FileRecords: 2, TokenTTL: 100 * time.Hour})
	p.subscribe(`["jobtitle"]`)
	var ids []string
	for range 5 {
		ids = append(ids, p.CreateContact(nil))
	}
	p.clock.advance(2 * time.Second)
	batch := p.want(200, p.ask("GET", journalLocal+"/batch/earliest/100", nil))
	if n := len(at(batch.json, "results").([]any)); n != 3 {
		t.Errorf("5 entries are in %d files of 2", n)
	}
	first := p.want(200, p.ask("GET", journalLocal+"/earliest", nil))
	latest := p.want(200, p.ask("GET", journalLocal+"/latest", nil))
	offset := at(latest.json, "currentOffset").(string)
	p.want(204, p.ask("GET", journalLocal+"/offset/"+offset+"/next", nil))
	p.want(404, p.ask("GET", journalGlobal+"/offset/"+offset+"/next", nil))
	if a := p.ask("GET", strings.TrimPrefix(at(latest.json, "url").(string), "https://journal-files.sandbox.example"), nil); a.status != 400 {
		t.Errorf("a file with a token besides: %d", a.status)
	}
	p.clock.advance(6 * time.Minute)
	p.want(403, p.fetch(latest))
	again := p.want(200, p.ask("POST", journalLocal+"/batch/read", `{"inputs":["`+offset+`"]}`))
	if at(again.json, "results", 0, "url") == at(latest.json, "url") {
		t.Error("the same address again")
	}
	p.clock.advance(60 * time.Hour)
	p.UpdateContact(ids[0], map[string]string{"jobtitle": "CTO"}, "7")
	p.clock.advance(12 * time.Hour)
	p.want(404, p.ask("GET", journalLocal+"/offset/"+at(first.json, "currentOffset").(string)+"/next", nil))
	if events, _ := p.told(journalLocal, ""); len(events) != 1 {
		t.Errorf("kept %v", events)
	}
}

// Promise: the app's token and the account's open nothing of each other; scopes and limits are the app's own, per second.
func TestJournalKnowsItsTokens(t *testing.T) {
	p := newJournal(t, JournalApp{})
	app := p.token
	p.want(401, p.ask("GET", dated+"/1", nil))
	p.token = "pat-na1-sandbox"
	p.want(403, p.ask("GET", journalLocal+"/latest", nil))
	p.token = p.appTokenFor("developer.webhooks_journal.read")
	if a := p.want(403, p.ask("GET", subscribing, nil)); at(a.json, "category") != "MISSING_SCOPES" {
		t.Errorf("%s", a.body)
	}
	p.clock.advance(31 * time.Minute)
	p.want(401, p.ask("GET", journalLocal+"/latest", nil))
	p.token = app
	p.want(401, p.ask("GET", journalLocal+"/latest", nil))
	p.token = p.appTokenFor("developer.webhooks_journal.read")
	for range 100 {
		p.want(204, p.ask("GET", journalLocal+"/latest", nil))
	}
	if a := p.want(429, p.ask("GET", journalLocal+"/latest", nil)); a.header.Get("Retry-After") != "1" {
		t.Errorf("%v", a.header)
	}
	p.clock.advance(time.Second)
	p.want(204, p.ask("GET", journalLocal+"/latest", nil))
}

// Promise: one subscription for an account, type and object, whose properties are those sent last; the events of an app's life once.
func TestSubscriptionsAreReplaced(t *testing.T) {
	p := newJournal(t, JournalApp{})
	first := p.subscribe(`["email","jobtitle"]`)
	second := p.subscribe(`["jobtitle"]`)
	if at(first.json, "id") != at(second.json, "id") || fmt.Sprint(at(second.json, "properties")) != "[jobtitle]" {
		t.Errorf("%s became %s", first.body, second.body)
	}
	life := `{"subscriptionType":"APP_LIFECYCLE_EVENT","eventTypeId":"4-1916193"}`
	p.want(200, p.ask("POST", subscribing, life))
	p.want(409, p.ask("POST", subscribing, life))
	p.want(400, p.ask("POST", subscribing, `{"subscriptionType":"OBJECT","portalId":146000001,"objectTypeId":"0-1","actions":["UPDATE"]}`))
	p.want(403, p.ask("POST", subscribing, `{"subscriptionType":"OBJECT","portalId":4711,"objectTypeId":"0-1","actions":["UPDATE"],"properties":[]}`))
	p.Uninstall()
	p.clock.advance(3 * time.Second)
	if events, _ := p.told(journalLocal, ""); fmt.Sprint(events) != "[APP_UNINSTALL <nil> 0]" {
		t.Errorf("told %v", events)
	}
	if a := p.want(200, p.ask("GET", subscribing, nil)); len(at(a.json, "results").([]any)) != 1 {
		t.Errorf("left %s", a.body)
	}
}
