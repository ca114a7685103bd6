package fields

import (
	"time"

	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/intent"
	"github.com/intentd/intentd/pipeline/receipt"
	"github.com/intentd/intentd/pipeline/score"
)

// now is the moment of all receipts here: a Saturday morning in Berlin.
var now = time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)

var berlin = mustZone("Europe/Berlin")

func mustZone(name string) *time.Location {
	l, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return l
}

// did is one signal as the tests tell it.
type did struct {
	daysAgo float64
	typ     score.Type
	flags   score.Flag
	kind    string
	object  string
	product uint8
}

func days(n float64) time.Duration { return time.Duration(n * 24 * float64(time.Hour)) }

// build makes the receipt of somebody who did these things (oldest first), shown before as prev.
func build(prev score.Shown, topics []score.Topic, in intent.Intent, things ...did) *receipt.Receipt {
	s := score.Defaults()
	f := score.Features{Topics: topics, Products: []string{"Larkfield CRM", "Larkfield Enablement"}}
	r := &receipt.Receipt{Person: "p-1", At: now, Formula: score.Version, Settings: s, Previous: prev, Intent: in, Reason: score.ReasonTier,
		Refs: []connectors.Ref{{CRM: "hubspot", Object: "contacts", ID: "101"}}}
	for i, d := range things {
		f.Signals = append(f.Signals, score.Signal{At: now.Add(-days(d.daysAgo)).Unix(), Session: uint16(i), Type: d.typ,
			Strength: s.Strengths[d.typ], Flags: d.flags, Product: d.product})
		r.Signals = append(r.Signals, receipt.SignalLine{EventID: "e" + string(rune('a'+i%26)), Source: "site", Kind: d.kind, Object: d.object})
	}
	for i := range f.Topics {
		f.Topics[i].Last = now.Add(-days(5)).Unix()
		r.Topics = append(r.Topics, receipt.TopicLine{Journey: f.Topics[i].Name + " guide", Configured: f.Topics[i].Name, Win: f.Topics[i].Points > 0,
			How: "exact", Points: int(f.Topics[i].Points), Counted: true})
	}
	r.Features = f
	shown, parts, rule := s.Show(&r.Features, prev, now)
	r.Parts, r.Rule, r.Tier, r.Stage, r.Trend = parts, rule, shown.Tier, shown.Stage, shown.Trend
	r.Product, r.Interest = shown.Product, shown.Interest
	r.Forecast = s.Forecast(&r.Features, shown, now, berlin)
	return r
}

// aside is somebody whom a rep set aside a day ago for so many days.
func aside(verdict string, long int64, in intent.Intent, things ...did) *receipt.Receipt {
	r := build(score.Shown{}, nil, in, things...)
	r.Verdict, r.Features.SetAside = verdict, now.Add(-days(1)).Unix()
	r.Features.AsideUntil = r.Features.SetAside + long*86400
	shown, _, rule := r.Settings.Show(&r.Features, r.Previous, now)
	r.Rule, r.Tier, r.Stage = rule, shown.Tier, shown.Stage
	r.Forecast = r.Settings.Forecast(&r.Features, shown, now, berlin)
	return r
}

func say(text string, cites ...string) intent.Sentence {
	return intent.Sentence{Text: text, Cites: cites}
}

// told is what an engine would say of somebody.
var told = intent.Intent{
	Headline: say("Wants a CRM for 25 people, compares prices", "ea"),
	Sentences: []intent.Sentence{
		say("Read the pricing page three times between 12 and 19 Nov.", "ea", "eb"),
		say("Says that spreadsheets no longer do.", "ec"),
	},
	NextStep: say("Call and offer a migration workshop.", "ea"),
	Topics:   []intent.Topic{{Name: "CRM", Cites: []string{"ea"}, Trusted: true}, {Name: "data migration", Cites: []string{"eb"}}},
	Engine:   "rules",
}

func repeat(n int, d did) []did {
	all := make([]did, n)
	for i := range all {
		all[i] = d
	}
	return all
}

// typical is one typical person.
type typical struct {
	name    string
	lang    string
	receipt *receipt.Receipt
}

func people() []typical {
	view := did{0, score.WebVisit, 0, connectors.KindPageView, "/blog", 0}
	price := did{0, score.ContentView, score.PricePage, connectors.KindPageView, "/pricing", 1}
	at := func(daysAgo float64, d did) did { d.daysAgo = daysAgo; return d }
	mailClick := did{5, score.EmailEngage, 0, connectors.KindEmailClick, "campaign: Autumn", 0}
	demo := did{0, score.HandRaise, 0, connectors.KindDemoRequest, "form: Book a demo", 1}
	open := did{3, score.EmailEngage, score.NoRecency, connectors.KindEmailOpen, "campaign: Autumn", 0}

	dataflow := append(repeat(14, at(9, view)), mailClick)
	semantic := []score.Topic{{Name: "CRM", Points: 3}, {Name: "sales enablement", Points: 3}}
	medium := score.Shown{Known: true, Score: 600, Tier: score.Medium, Since: now.Add(-days(9))}
	high := score.Shown{Known: true, Score: 700, Tier: score.High, Since: now.Add(-days(12))}

	degraded := build(score.Shown{}, nil, told, at(1, view), at(0, price))
	degraded.Degraded = []string{"the model's budget for the day is spent", "topics matched by the lexicon"}
	stale := build(medium, semantic, told, dataflow...)
	stale.Stale = []string{"app", "site"}
	provisional := build(medium, semantic, told, dataflow...)
	provisional.Provisional = true
	held := build(medium, semantic, told, dataflow...)
	held.Held = []string{connectors.FieldSummary}

	uncited := told
	uncited.Headline = say("Will surely buy tomorrow")
	uncited.Sentences = []intent.Sentence{say("Has a budget of a million."), say("Read the pricing page on 20 Nov.", "ea")}

	hostile := told
	hostile.Headline = say("=HYPERLINK(\"https://evil.com\") <b>Urgent</b> call \u202egnp.exe boss@evil.com", "ea")
	hostile.Sentences = []intent.Sentence{say("Go to https://evil.com/pay?x=1 or www.evil.com now.\nSee https://www.larkfield.example/pricing?token=1 too.", "ea")}
	hostile.Topics = []intent.Topic{{Name: "+CRM; <script>alert(1)</script>", Cites: []string{"ea"}}, {Name: "rival.com prices", Cites: []string{"ea"}}}

	german := intent.Intent{
		Headline:  say("Sucht ein CRM für 12 Personen im Außendienst", "ea"),
		Sentences: []intent.Sentence{say("Hat am 19. November eine Demo angefragt.", "ea")},
		NextStep:  say("Anrufen und einen Termin vorschlagen.", "ea"),
		Topics:    []intent.Topic{{Name: "Pipeline-Verwaltung", Cites: []string{"ea"}}},
	}

	all := []typical{
		{"dataflow", "en", build(medium, semantic, told, dataflow...)},
		{"dataflow_de", "de", build(medium, semantic, german, dataflow...)},
		{"one_page_view", "en", build(score.Shown{}, nil, told, at(0, view))},
		{"demo_by_rule", "en", build(score.Shown{}, nil, told, at(2.1, demo))},
		{"demo_by_rule_de", "de", build(score.Shown{}, nil, german, at(2.1, demo))},
		{"demo_and_pages", "en", build(medium, nil, told, at(0.1, view), at(0.1, view), at(0.1, view), demo)},
		{"held_by_hysteresis", "en", build(high, nil, told, append(repeat(5, at(9, view)), at(6, price), at(6, price), at(3, price))...)},
		{"strength_de", "de", build(medium, nil, german, append(repeat(30, at(2, view)), view)...)},
		{"not_strong_enough", "en", build(medium, nil, told, append(repeat(30, at(2, view)), view)...)},
		{"opens_only", "en", build(score.Shown{}, nil, intent.Intent{}, repeat(10, open)...)},
		{"opens_and_click", "en", build(score.Shown{}, nil, intent.Intent{}, at(20, mailClick), open, open)},
		{"cold", "en", build(medium, nil, told, at(330, price), at(120, demo))},
		{"cold_de", "de", build(medium, nil, german, at(330, price), at(120, demo))},
		{"loss_topics", "en", build(score.Shown{}, []score.Topic{{Name: "free templates", Points: -10}, {Name: "job search", Points: -10}}, told, at(3, view))},
		{"unknown", "en", build(medium, nil, intent.Intent{})},
		{"unknown_de", "de", build(medium, nil, intent.Intent{})},
		{"degraded", "en", degraded},
		{"degraded_de", "de", degraded},
		{"stale", "en", stale},
		{"provisional", "en", provisional},
		{"provisional_de", "de", provisional},
		{"held_by_human", "en", held},
		{"uncited", "en", build(score.Shown{}, nil, uncited, at(1, price))},
		{"set_aside", "en", aside("not_now", 60, told, at(3, demo), price)},
		{"set_aside_de", "de", aside("wrong_person", 365, german, at(3, demo), price)},
		{"hostile", "en", build(score.Shown{}, nil, hostile, at(1, price))},
	}
	return all
}

func options(lang string) Options {
	return Options{Language: lang, Location: berlin, OwnHosts: []string{"larkfield.example"}}
}
