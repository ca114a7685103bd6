// Package connectors is the vocabulary that intentd's outside world is spoken of in: records of a CRM, people,
// journey events, patches, and the four interfaces every system is met through.
//
//   - A [CRM] is polled for changed records, read in batches and patched in batches.
//   - A [Source] tells who did something and returns the journeys of many people in one call.
//   - A [Feed] is taken in whole, into the embedded event store.
//   - A [Model] gives one structured answer to one prompt.
//
// What a system can do beyond that it says by implementing an optional interface: [Provisioner], [Prober], [DealReader],
// [Sweeper], [BulkWriter], [BulkAborter], [IDNormaliser], [Authorship], [Account], [Reporter], [Releaser], [SyncEstimator].
//
// Promises every connector keeps: cursors are opaque, small and versioned by the connector that made them, and the host
// stores them; a short page is not the end, [Page].More is; one [Result] per [Patch], in order; and every error carries a
// [Kind], which alone decides what the pipeline does. Errors never hold a secret or a person's e-mail address.
package connectors
