// Package clickstream is the embedded store of journey events, for sources that have none of their own to be asked: files
// ([jsonl]) and the collector. It answers as a connectors.Source: who did something since, and what many people did.
//
// # Terms
//
//   - An identifier is a user id, e-mail, phone number or anonymous id (a device), as package identity says; the first three are
//     stable.
//   - A group is one person as far as this store can tell: stable identifiers that events named together, and devices.
//   - An event is stored once, under its strongest identifier, its owner.
//   - A partition is a span of event time, a segment an immutable file of one partition's events ordered by owner and time.
//   - The main file (bbolt) holds the list of segments, identifiers, groups, the feed of who was active, and the offsets of
//     those who take in.
//
// # Promises
//
//   - A batch is one commit: events, links, feed and offsets, or nothing. Its segments are made durable first; the
//     transaction of the main file that names them decides. Files it does not name are removed by [Open].
//   - What is taken in twice (same owner, time and id) is told once: the repeat falls away in reading and merging.
//   - A lot of people costs a few short reads a person, however many events there are.
//   - Memory: half a byte for each event stored (index and filter), about 30 MB of remembered links, and the batch in hand.
//   - Retention drops whole partitions, and never on the word of a clock alone (see [Options.Retention], [Store.Prune]).
//   - IP addresses are not stored: [Options.Internal] looks at them during intake, and the verdict is kept.
//   - A damaged file is told by an error, when the store opens after a crash or where the damage is met; [Store.Verify] reads everything.
//   - Directory 0700, files 0600. [Store.Forget] erases a person from all segments and tables; their bytes leave the
//     segments at once, and the free pages of the main file with the next [Store.Compact]. File systems may keep freed
//     blocks for a while.
//
// # Who is whose
//
// Package identity says what identifies whom: the one form of identifiers, their rank, the guards. Events that name several stable
// identifiers join them into a group, as far as the guards allow. What does not fit stays with whom it was, and is taken out of the
// event that claimed it.
//
// A device is never joined, it is claimed, for a time. Its first claimant gets its anonymous past and everything after. When
// somebody else is seen on it, what is anonymous goes to them from then on and to the one before no longer; the half hour
// before the change is nobody's, because people browse before they sign in. A claim that comes in late, behind newer
// events, cannot tell who had the device since: from it to the next claim nothing anonymous is anybody's. A device with more
// than five claimants is a kiosk, and its anonymous part nobody's for good. Asking for a device leads to its owner only if
// it never had another.
//
// What visitors say of themselves where anybody can say so (connectors.Event.Proposed) links nothing: it is kept beside the links, for 30 days
// after it was said last, until it is confirmed. Then the device is the person's, and what it did under another name stays nobody's.
//
// User and anonymous ids mean somebody within the space of the source that told them; e-mails and phone numbers mean the same
// everywhere. The ids of one space, that of the first source, are kept without it: what was kept before there were spaces is read so.
//
// # Why segments
//
// Keyed by person and time, every batch touches all of a B-tree. Sorted into one bbolt file, batches of 50,000 events of 90
// bytes went in at 100,000 a second at first and at 27,000 a second from 1.5 to 2 million on, on a busy machine of two
// cores; segments with their merges take over 300,000 a second at 10 million. They are also a third of the size (S2 blocks,
// texts shared between neighbours), copy without being decoded, and give deleted bytes back by being unlinked. The main
// file stays small because only identifiers that are linked are in it.
//
// [jsonl]: github.com/intentd/intentd/connectors/jsonl
package clickstream
