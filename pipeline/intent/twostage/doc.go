// Package twostage reads what somebody wants with a model, by the method of "Small Models, Big Results: Achieving Superior Intent Extraction
// through Decomposition" (arXiv 2509.12423).
//
// Terms. Stage 1 summarises each interaction with its neighbours in view: what was on the screen, what the user did, and a speculation that is
// asked for because it makes the other two more faithful, and then thrown away. Stage 2 reads the summaries alone and says what the person
// wants. An interaction is one step of a journey as stage 1 sees it. It is trusted when every word of it stands on the customer's own pages,
// and private when it holds what a visitor typed, a stranger's words or a screenshot.
//
// Promises:
//
//   - A claim without citations, or with one that does not exist, is dropped; so is one with a figure, a date or a quotation that the cited
//     steps do not hold, and one with a link or a relative date.
//   - What the journey itself carries in trusted places is always among the topics: a captured model removes nothing.
//   - Stage 2 sees validated stage-1 fields, kinds, days and sessions, and no word of an event.
//   - An answer that is blocked, cut, empty, no JSON or off its schema costs its person the better texts, never the texts: rules
//     texts come instead, with Degraded set. E-mail opens alone never cost a call, and neither do journeys without a signal.
//   - What is shared between people is keyed by an HMAC of the very content that was sent, redacted, and comes only of calls in
//     which every interaction was trusted. What is private never shares a call with another person's interactions. What a browser
//     says of a page is private until several people's said the same.
package twostage
