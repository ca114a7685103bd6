// Package records reads what trackers write, one JSON object a record, each by the keys of its own documentation: Segment, RudderStack,
// PostHog, Mixpanel, Amplitude, Snowplow, GA4. Files hold them, and the collector is sent them.
//
// A record becomes an event as it was told: nothing is cleaned, and what identifies nobody is left in.
package records
