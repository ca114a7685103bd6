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
//   - Machines, own staff and events without consent are gone before anything is counted, and so is what was done on sensitive
//     pages. Whatever does not count is told with its reason and date ([Journey].LeftOut).
//   - What strangers can write (query strings, typed text, foreign pages) never names a topic.
//   - An event cannot make its person more recent by a date beyond its arrival.
//
// # What counts
//
// Kinds are read as trackers spell them (connectors.EventKind). The first rule of the config that types or ignores an event decides.
// Otherwise:
//
//   - Page views count once per page and session: as content views if they are about price, contract (cart, checkout, order,
//     calculator), comparison or case study, else as visits. A page is one under its variants: case, trailing slash, index file,
//     www, parameters. A click, scroll, video or search proves its page: where no view of it came in that visit, the first counts as one.
//   - Forms are what their own names say, see [Config].HandRaiseForms and the lists beside it. Requests for a demo, quote or contact,
//     meetings that were neither cancelled nor missed, and replies that a person wrote and that do not plainly say no are hand-raises.
//     Webinars, trials, orders, downloads and all other forms are form submits.
//   - Mail clicks count once per link and session, but for links of a footer; mail opens once per campaign unless a machine opened,
//     and opens never set recency. Newsletter sign-ups are of the same strength.
//   - Begun forms, chats, invitations and use of the product are visits; carts and checkouts content views.
//   - What the own team did is context; a kind nobody knows is context, too.
//
// A signal is marked as key if it shows that somebody is buying: a price, contract or comparison page, a trial, an application. A page
// that a rule types is key only if the rule says so.
//
// Machines that do not own up are known by their pace: more events a minute than a person makes; the links of one mail opened faster
// than a person reads, with all pages they load; one page at even intervals for days.
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
