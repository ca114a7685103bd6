// Package mixpanel takes in the events of a Mixpanel project by its raw export, and the e-mail addresses of its profiles.
//
// Terms: a pass goes over the days that may hold something new, a call asks for some of them, and its answer is spooled
// and read page by page. A deep pass, once a day, goes over the last [Config.Reread] again, a shallow one from yesterday on.
//
// The export knows dates only and is not de-duplicated. So days are read again, and an event is known by its name, person, time and
// $insert_id together. What Mixpanel took in before the pass in which its day was read last, less some hours, was told then and is not
// told again.
//
// Limits by the documentation: 60 calls an hour and 3 a second, of the export and of the queries each. A call that ends in a note that
// the export was broken off is one that failed.
package mixpanel
