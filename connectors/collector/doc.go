// Package collector is sent events by trackers, over HTTP, in the form of the Segment specification: for teams without an analytics
// system of their own. It answers the clients of Segment, RudderStack and Jitsu, and a script of its own, and puts what they send into the
// event store, which answers for it as a source.
//
// # Terms
//
//   - A call is one record of the specification: a page, track, identify …; a request carries one or a batch of them.
//   - A visitor is an anonymous id.
//   - A write key that stands in a page is public: by it anybody can say to be anybody. Who somebody is by such a key is a proposal
//     (connectors.Proposal), by a trusted one it is so.
//
// # Promises
//
//   - What is answered with 200 is on disk. Requests that come together share a commit.
//   - A call that comes again under its messageId counts once.
//   - What cannot be taken at the moment is answered with 429 and Retry-After before it costs anything, and what cannot be read or is
//     too much is counted by its reason.
//   - Times are those of our clock: a client's clock is corrected by when it says that it sent, and nothing lies in the future.
//   - Memory is bounded, whatever is sent.
package collector
