// Package jsonl takes journey events out of JSON-lines files: one file, a directory of them or a glob, plain or gzip, still
// being appended to, rotated by renaming or by copying and truncating, with broken lines.
//
// A [Feed] is taken into a clickstream store, which answers for it. Its cursor holds the positions of all files and the counts of what
// was read until there: the store saves it with the events, so that a kill at any moment neither loses a line nor takes one in twice.
//
// # Lines
//
// JSON objects, one a line as a rule; a list of them, several on a line, and one over several lines are read as well, in UTF-8 or, with a
// byte order mark, in UTF-16. An object is read by the keys
//
//	id time kind email phone user_id anonymous_id session_id url page_title element_text element_id referrer
//	user_agent ip consent screenshot properties
//
// time is RFC 3339 or a Unix time in seconds, milliseconds, microseconds or nanoseconds (told apart by magnitude). Numbers
// and booleans are read where texts are wanted. Keys not named above become properties. A line without id gets one made of
// its content, so that the same line in a copy of the file is the same event. An object without time or kind is read as the record of
// a tracker, if its keys are those of one (Segment, RudderStack, PostHog, Mixpanel, Amplitude, Snowplow, GA4), or by the usual other
// names of the keys. consent is "granted" for granted, true, yes
// and 1, empty if absent, and "denied" for everything else. A screenshot that is not a plain file name is left out.
//
// A line is broken if it is not such an object, has no usable time, kind or identifier, or is longer than [maxLine]. It is
// counted, remembered with file, line number and reason (never with its content) for [Feed.Intake], and passed over. A
// last line without line feed is waited for; once the file has rested for a while it is read as far as it is whole, and the rest is told.
//
// # Files
//
// A file is known by its inode and by hashes of its first bytes and of those before the position: a renamed file, a copy and
// the gzip of a file are not read again from the start, and one that was replaced or truncated is. In a gzip file the
// position is that in the decompressed content, beside the start of the member it lies in: a file that grows by whole
// members costs only what is new, one that grows inside a member costs that member again.
//
// Memory is bounded by the page (16 MiB of lines or 32,768 events, two of them) and the longest line, whatever the files'
// size.
package jsonl
