// Package modelkit is what models behind an HTTP API do alike. A vendor's package says how one prompt is sent and what the vendor's errors
// mean; the rest is here: the calls at once, limits and retries (gate), what a call costs (price), reading JSON out of what a model
// said (reply), and whose fault a failure is.
//
// Terms. A hold is a limit of the vendor's that all callers wait out together. A reply is what came back for a prompt; an answer is the
// JSON in it.
//
// Promises:
//
//   - There is one retry mechanism. It repeats what failed on the way or was refused for the moment, waits as long as the vendor asks
//     for, and gives up at once when that is longer than MaxWait. No redirect is followed: the key would go along.
//   - A limit of the moment holds every caller; a longer one makes no further request until its end. A bad key or an unknown model stops
//     calls for a minute at a time; so does a vendor who answers nobody, for longer each time.
//   - A refused prompt is that prompt's fault, until several in a row and a prompt that holds nobody's text are refused.
//   - Every reply is paid for and counted, usable or not; what the vendor does not tell of its tokens is estimated. After many unusable
//     answers in a row for one reason nothing is asked for a while.
//   - No error holds the key or the prompt.
package modelkit
