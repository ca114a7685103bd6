// Package sandbox is a CRM in a box: it holds a portal or an org in memory and speaks the vendor's own wire protocol, so that
// the demo, tests and benchmarks meet a CRM that behaves like the real one, the unpleasant parts first.
//
// [NewHubSpot] makes a HubSpot portal, [NewSalesforce] a Salesforce org. Either is met
//
//   - over HTTP as an [net/http.Handler], or by its Listen;
//   - without sockets or goroutines through its Transport, also inside a testing/synctest bubble;
//   - from Go, as the people and the vendor meet it: reps edit, records merge and vanish, deals close.
//
// Each vendor has its lists of endpoints in its routes file, which name what it answers. An endpoint refuses a request by panicking
// with the vendor's error before anything has changed, each cause in a line (invalidIf, badRowIf, stopIf and so on), and so reads as
// what happens when all is well. What is wanted from Go is tried in the same way (try.go).
//
// Terms. A desk takes requests for a vendor, injects a [Fault] where one is due, and counts. A table keeps the records of one
// object of either vendor; HubSpot's search may see them in an earlier state. Vendor-neutral parts have neutral file names; what
// only one vendor does is in the hubspot, salesforce and soql files.
//
// Promises. The same calls in the same order under the same clock give the same answers. Nothing is written to disk or logged,
// and no time passes but the clock's. A search or query looks at every record of its object, which is quick among some ten
// thousand of them; records are found at once by their ids.
package sandbox
