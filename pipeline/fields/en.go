package fields

import (
	"github.com/intentd/intentd/connectors"
	"github.com/intentd/intentd/pipeline/score"
)

var english = language{
	months:   [13]string{"", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"},
	date:     "{d} {m}",
	dateYear: "{d} {m} {y}",
	decimal:  '.',
	and:      " and ",

	tiers: [...]string{"unknown", "low", "medium", "high"},
	Tiers: [...]string{"Unknown", "Low", "Medium", "High"},
	kinds: map[string]noun{
		connectors.KindDemoRequest: {"demo request", "demo requests"},
		connectors.KindMeeting:     {"booked meeting", "booked meetings"},
		connectors.KindEmailReply:  {"e-mail reply", "e-mail replies"},
		connectors.KindEmailClick:  {"e-mail click", "e-mail clicks"},
		connectors.KindEmailOpen:   {"e-mail open", "e-mail opens"},
		connectors.KindDownload:    {"download", "downloads"},
		connectors.KindTrial:       {"trial", "trials"},
		connectors.KindVisit:       {"visit", "visits"},
	},
	types: [...]noun{
		score.HandRaise:     {"contact request", "contact requests"},
		score.SocialAsk:     {"public question for a product", "public questions for a product"},
		score.TechChange:    {"change of tools", "changes of tools"},
		score.JobPosting:    {"job posting of the company", "job postings of the company"},
		score.Funding:       {"funding news of the company", "funding news of the company"},
		score.FormSubmit:    {"form", "forms"},
		score.ContentView:   {"key page", "key pages"},
		score.EmailEngage:   {"e-mail reaction", "e-mail reactions"},
		score.WebVisit:      {"page view", "page views"},
		score.SocialMention: {"public mention", "public mentions"},
	},
	pages: pages{
		price:      noun{"pricing page view", "pricing page views"},
		contract:   noun{"contract page view", "contract page views"},
		comparison: noun{"comparison page view", "comparison page views"},
		product:    noun{"product page view", "product page views"},
	},
	raised: map[string]string{
		connectors.KindDemoRequest: "asked for a demo",
		connectors.KindMeeting:     "booked a meeting",
		connectors.KindEmailReply:  "replied to an e-mail",
		connectors.KindTrial:       "started a trial",
		"":                         "asked to be contacted",
	},

	lead:       "Last: {what} on {date}.",
	nothing:    "No activity that counts so far.",
	nextStep:   "Next step: {text}",
	stays:      "Stays {tier} until {date} unless they do something new.",
	cold:       "Last seen {date}; nothing counted in the {days} days before this score.",
	stale:      "Not complete: no data from {sources}, so this rests on what was known before.",
	degraded:   "Provisional, will be done again: {reasons}.",
	opensOnly:  "So far only e-mail opens, which say little.",
	countedAre: "Counted: {list}.",

	volume:      "Volume {points} of {of} ({why})",
	recency:     " + recency {points} of {of} ({why})",
	topics:      " + topics {points} of {of} ({why})",
	sum:         " = {score}.",
	signals:     noun{"{n} signal", "{n} signals"},
	inDays:      "{signals} in {days} days",
	noSignals:   "no signal in {days} days",
	lastSignal:  "last signal {date}",
	neverRecent: "no visit, form or click yet",
	heldTo:      "together at most {points}",
	interest:    "product interest {points}",
	rules: map[score.Rule]string{
		score.ByHysteresis: "{score}: {tier} until below {below}.",
		score.ByHandRaise:  "{Tier} because they {raised} on {date}; that counts for {days} days.",
		score.ByStrength:   "{Tier}: the score is enough for high, but nothing they did is strong enough (a pricing page, a form, a request).",
		score.ByEvidence:   "{Tier}: the score is enough for more, but the evidence is not there yet.",
		score.ByVerdict:    "{Tier} because somebody of the team set the person aside.",
		score.ByModel:      "{Tier} in the language model's reading; the score is the formula's.",
		score.ByNothing:    "No score: nothing they did counts so far.",
	},
	threshold: [...]string{
		score.TierUnknown: "",
		score.Low:         "Low: medium from {medium}; high from {high}.",
		score.Medium:      "Medium from {medium}; high from {high}.",
		score.High:        "High from {high}.",
	},
}
