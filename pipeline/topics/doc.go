// Package topics matches what somebody read about with the topics that the admin configured as speaking for (win) or against
// (loss) a purchase.
//
// Two topics match exactly if they are equal after case folding, trimming, punctuation and plurals. Otherwise a model is
// asked whether they mean the same field of work: one call for all pairs it has not answered in the last 7 days. Where there is
// no model, or it fails, a built-in lexicon of business concepts answers: aliases, acronyms and explicit relations, to be
// extended in the config. If a model was asked for, an answer of the lexicon is degraded and not kept.
//
// What it promises: the same topics give the same matches in any order; a degraded answer is never kept as a good one; a
// model can say only yes or no to a pair of topics that was put to it; matching again what was matched costs a map look-up.
package topics
