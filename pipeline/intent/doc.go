// Package intent is the vocabulary of texts for a rep: what somebody wants, read out of a journey, in a headline, one to five sentences, a next
// step, topics and a product, and the engines that read it. It never sets a number.
//
// Terms. An engine turns a journey into an [Intent]. Package rules is the engine without a model, package twostage the one with a model, which
// falls back on the rules. Both stand on three small packages: act names what a step was, redact takes out who somebody is, plain keeps a text
// to what may be shown.
//
// Promises, whichever engine:
//
//   - Every sentence cites events that exist, and none holds a link beyond the customer's own hosts or a relative date.
//   - A topic is marked trusted only if its words stand in a trusted place of a step it cites: a captured model adds nothing that scores.
//   - Nobody without a signal gets a text.
package intent
