// Package s3 takes in events from objects in S3-compatible storage: what Firehose, Segment and RudderStack write there, and files of our
// own JSON lines.
//
// # Objects
//
// An object is gzip or plain, and holds JSON objects one a line, one behind the other without a line feed, or in a list. They are
// read as lines of event files are: our own keys, or the records of a tracker. An object is read once, and known by its key and ETag: one
// that is written anew is read anew. It is fetched in ranges, so that memory does not grow with its size, and a cursor may stand in the
// middle of it; a process that goes on there fetches a gzip object again from its beginning.
//
// # Finding new objects
//
// S3 lists keys in the order of the alphabet, which is not the order in which they come in: several writers have folders of their own,
// Firehose writes up to 15 minutes late, and RudderStack's days begin with the month. So an object is new by its time of writing: the first
// pass takes what was written within the last [Config.Back], every other one what was written since the last look at the whole prefix, less
// [Config.Lookback], and is not remembered. A prefix of some thousand keys is looked at whole each time. Of a larger one only the
// stretches of keys are listed in which something new was found at the last look at the whole, which is repeated every few hours.
//
// # Without a client library
//
// The two calls that are made, a list and a get, go through connectors/internal/transport as all others do, with a signature of our own
// (Signature Version 4) and the usual credentials. In a small program (Go 1.26, stripped) minio-go adds 1.6 MB, of it its signer and
// credentials alone 0.7 MB, and aws-sdk-go-v2 4.1 MB, of it signer and credentials 3.1 MB, each with retries and limits of its own
// beside ours. The signature is a published algorithm that has not changed since 2012, tested here by AWS's own examples.
package s3
