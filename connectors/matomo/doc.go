// Package matomo asks Matomo about people, by the visits that its API method Live.getLastVisitsDetails tells.
//
// Terms. A visit is what one visitor does with pauses of less than half an hour; it grows while it lasts. The user id is what the site says who
// somebody is, the visitor id what Matomo calls a browser.
//
// Promises:
//   - Visits are read in the order of their last action, with the id behind it, from the last one read on: never by an offset over many days, which
//     Matomo counts wrongly. One that grew is told again, by the same ids of its actions.
//   - What was recorded now as though it had happened long ago is found by the ids of visits, which count up.
//   - People are asked about together, as many as Matomo reads in one segment: it cuts longer ones off in silence.
//   - An error that comes with status 200, as Matomo's do, is an error.
package matomo
