// Package learn learns from what came of people: weights of the score's components, and strengths of single things that they did.
//
// Terms. An [Outcome] is what came of somebody, won or lost, and when. A [Snapshot] is what was known of them at an earlier date: nothing in it is later, or the outcome
// would leak into what is to tell it. A [Fact] is one thing that a snapshot (or the row of a table) says, by name. A [Schema] says which features, numbers of
// 0, 1 or a measure, are made of facts; it is made of the facts of the people who are learned from.
//
// There are two ways to learn, and one learned model:
//
//   - [Weights]: how much each component counts, by its correlation with winning, drawn towards the defaults.
//   - [Strengths], propensity's other name: a logistic regression over interpretable features, drawn towards a prior that ranks as the
//     built-in strengths and weights do. Ten people move it little, five hundred decide. Its score is a sum of points that a rep can read.
//
// Package measure says what a score is worth, package logistic fits, package backtest sets engines beside each other on people that nothing was learned from. Nothing
// here asks a CRM, reads a file or keeps anything.
package learn
