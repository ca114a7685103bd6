// Package journey makes one person's events into a journey: whose they are, in what order they happened, which visits they
// form, and which of them are signals that count for the score.
//
// An event is what a source tells. A step is an event that was accepted and cleaned; a session is a visit, steps without a
// long pause; a signal is a step that counts. A [Builder] is made once of a [Config] and then builds journeys concurrently.
//
// What it promises:
//
//   - The order in which events arrive, and how often, changes nothing: neither the journey nor its hash.
//   - Nobody else's events get in. An event that names another person is dropped, and so is what an anonymous id did
//     after it was last seen with another person (shared devices).
//   - Bots, own staff, machines and events without consent are gone before anything is counted.
//   - What strangers can write (query strings, typed text, foreign pages) never names a topic.
//   - An event cannot make its person more recent by a date beyond its arrival.
//
// # What counts
//
// The first rule of the config that types or ignores an event decides. Otherwise: page views count once per page and
// session, as content views if they are about price, contract, comparison or case study, else as visits. Forms are
// hand-raises if they ask for a demo or contact, else form submits, as downloads and trials are. Meetings, replies and demo
// requests are hand-raises. Mail clicks count once per link and session, mail opens once per campaign unless a machine
// opened, and opens never set recency. Clicks, scrolls and searches are steps only; what the own team did is context; a
// kind nobody knows is context, too.
//
// A CRM's counter of page views tells how many there were, and at most the address of the last. Such a step counts as many
// times as it says, but at most [Config].SummaryPages times, since repeats cannot be told from new pages: the page it names
// by what it is, the others as plain visits. A visit known as a mere fact counts once, and only where its session has no page
// view that counts.
//
// # Own hosts
//
// Titles and links are trusted on the customer's own hosts: those of [Config].OwnHosts with their subdomains, or, if none are
// given, the domains of InternalDomains (a company's mail domains) with theirs. A URL that is a mere path is of the own site.
// With neither setting no absolute URL is trusted: such pages name no topics, and their titles are not shown as facts. Pages
// are typed and given a product by their paths on OwnHosts only, if there are any, and on every host otherwise, so that an
// unconfigured daemon still knows a price page.
package journey
