// Package posthog asks PostHog about people, in its own SQL (HogQL) over the query API.
//
// Terms. A distinct id is what PostHog's clients call a visitor: a random one until they are identified, the application's own afterwards. A
// person is what PostHog joins distinct ids to, with properties of its own; the address is one of them. created_at is when PostHog took an
// event in, timestamp when it happened.
//
// Promises:
//   - Who was active is read in the order of intake. A page never ends inside a run of equal keys without going on there, and what comes late by up
//     to the lookback is found; told again it is dropped.
//   - Pages go by key, never by OFFSET, which PostHog refuses to API keys. A cached answer is never taken: PostHog keeps answers for hours.
//   - A lot of people is one call, or as many as its events fill pages. A lot that is too much for PostHog is asked about in halves.
//   - Values go beside the query, never into it.
package posthog
