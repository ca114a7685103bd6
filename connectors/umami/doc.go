// Package umami asks Umami about people, by its REST API.
//
// Terms. A distinct id is what the site says who somebody is (umami.identify); an address on many sites. A session is, of somebody who is
// identified, all they ever do under that id: Umami makes its id of the distinct id. Umami never tells the two of many sessions together: which session
// is whose is asked for once each, and kept.
//
// Promises:
//   - Lists go by pages over a span of time that has ended, so that none is passed over while new sessions come in.
//   - Whoever acted within the lookback is listed again at each poll, and told again only if they went on: Umami has no time of intake.
//   - Nothing is asked of an Umami that does not know the filter by distinct id: it would answer with everybody's events.
package umami
