// Package sandbox is a CRM in a box: it holds a portal in memory and speaks the vendor's own wire protocol, so that the
// demo, tests and benchmarks meet a CRM that behaves like the real one, the unpleasant parts first.
//
// [NewHubSpot] makes a portal. It is met
//
//   - over HTTP as an [net/http.Handler], or by [HubSpot.Listen];
//   - without sockets or goroutines through [HubSpot.Transport], also inside a testing/synctest bubble;
//   - from Go, as the people and the vendor meet it: reps edit, records merge and vanish, deals close.
//
// Terms. A desk takes requests for a vendor, injects a [Fault] where one is due, and counts. A table keeps the records of
// one object; search has a view of its own of them that may lag behind. Vendor-neutral parts have neutral file names, what
// only HubSpot does is in the hubspot files.
//
// Promises. The same calls in the same order under the same clock give the same answers. A page of a search costs about
// the same in a portal of a million contacts as in one of a thousand, as long as it filters by modification time and id.
// Nothing is written to disk or logged, and no time passes but the clock's.
package sandbox
