// Package identity says what identifies whom, once for everybody who has to decide it: the event store, journeys, and the intake
// of people. It is pure: no I/O, no clock, no state of its own beyond the settings in [Rules].
//
// # Terms
//
//   - An identifier ([ID]) is a record of a CRM, a user id, an e-mail address, a phone number or an anonymous id (a device).
//   - A space is where a user or anonymous id means somebody: 42 of the shop is not 42 of the product. It is named by the source,
//     or by `ids` in the source's configuration; sources of one tracker share one. Addresses, phone numbers and records mean the
//     same everywhere and have no space.
//   - A placeholder is what systems write where they know nobody: "null", zeros, "anonymous". A shared mailbox (info@, sales@) is
//     an address that several people read.
//
// # Rules
//
//   - One form: [Rules] brings values as they really arrive into the form in which they are compared and kept, and says which
//     identify nobody.
//   - One rank: where identifiers disagree the stronger decides, in the order record, user id, e-mail, phone, anonymous id.
//   - Only records and addresses make one person of several records ([ID.JoinsRecords]); shared mailboxes do not. Any other
//     identifier that two people hold is nobody's, from then on and for the past, before rank is asked ([Decide]).
//   - Guards: one user id per space and five of any other kind are believed to be one person's on the word of a source ([Fits],
//     [MayMerge]); a device with more than five claimants is a kiosk ([Kiosk]). What a CRM says (merges, records) is no guess
//     and has no guard.
//   - Every link has a reason ([SeenTogether] and the others), which `explain` shows.
package identity
