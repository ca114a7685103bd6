// Package gemini is a [connectors.Model] over Google's Gemini API or Vertex AI, by the official SDK.
//
// Terms. A price is in US dollars per million tokens. A hold is a limit of the vendor's that all callers wait out together.
//
// Promises:
//
//   - Backend, host and key come from the options alone; no environment variable redirects a call, and no redirect is followed, because
//     the key travels in a header that a redirect would take along.
//   - There is one retry mechanism. It repeats what failed on the way or was refused for the moment, waits as long as the vendor asks
//     for (Gemini says it in the body), and gives up at once when that is longer than MaxWait.
//   - A limit per minute holds every caller (RateLimited when it outlasts MaxWait); a limit per day is Quota until the vendor's midnight
//     and makes no further requests. A bad key or an unknown model stops calls for a minute at a time.
//   - An answer that is blocked, cut, empty or no JSON is an error of kind Rejected, and what it cost is counted nevertheless.
//   - One Generate is at most one billed answer: the SDK's own continuation and retries are off.
//   - No error, log line or finding holds the key, and none holds the prompt.
package gemini
