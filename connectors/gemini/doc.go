// Package gemini is a [connectors.Model] over Google's Gemini API or Vertex AI, by the official SDK.
//
// Promises, beside those of modelkit:
//
//   - Backend, host and key come from the options alone; no environment variable redirects a call.
//   - A limit per day is Quota until the vendor's midnight; the waits that Gemini states in an error's body are kept.
//   - One Generate is at most one billed answer, and one more of a few tokens when several prompts in a row were refused: the SDK's own
//     continuation and retries are off.
//   - No error, log line or finding holds the key, and none holds the prompt.
package gemini
