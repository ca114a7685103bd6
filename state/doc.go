// Package state keeps everything intentd must not forget. What crosses its border are use cases, the exported methods of [DB]: values in, values
// out, each all or nothing. Below them package engine keeps ordered keys, in one bbolt file for now.
//
// Terms:
//
//   - A person is whom intentd scores; a contact is one CRM record of a person; an identity is a value (an e-mail address, a
//     user id) that leads to a person. Identities are stored as keyed hashes only, under a secret made with the file.
//   - The queue holds at most one entry a person. A claim leases entries to a worker; leases live in memory, so a restart
//     frees them all. An entry's generation changes whenever work joins it, so that finishing old work never drops new work.
//   - The journal holds patches from before they are sent until the CRM has acknowledged them, at most one a record.
//   - A dead letter is a record or person that cannot be done as things stand.
//
// Promises:
//
//   - A use case that returned without an error is on disk: a kill or a power cut after it returned loses nothing, and a kill before
//     leaves either all of it or nothing. Concurrent use cases share one commit; each caller gets its own error.
//   - What those with Later in their name took is on disk within 100 ms, and in any case when [DB.Flush] or [DB.Close] return nil. One that
//     fails is counted in [Stats] and concerns nobody else.
//   - A use case reads at most four levels, six where people may merge, and commits once (see package engine): over an engine that has to fetch
//     what is read it runs again for each level, in the same transaction, with nothing kept of the run before. So whatever it leaves outside
//     its transaction is set anew by each run.
//   - Nothing read in a transaction points into it: everything returned is a copy.
//   - A commit that fails (a full disk, say) changes nothing and leaves the state usable. After an input/output error it can only be
//     read, until it is opened again: nobody knows what such a disk has kept.
//   - Older files are migrated when opened, step by step; newer ones are refused.
//   - The file is readable by its owner only. It is locked against every other process, readers too.
//   - Memory does not grow with the number of people: per person only the leases of claimed entries are held.
//
// Deleted bytes stay in the file, unreachable, until [DB.Compact] rewrites it.
//
// The files stand in floors, and uses run one way. On the ground are the encodings, the buckets and the open [DB] with its transactions; on them
// what is kept, a file for each kind of record; above them whose identifiers are (the registry); on top the use cases.
//
// Transactions must not be nested: an update inside another transaction, or a view inside a view, can wait for itself.
package state
