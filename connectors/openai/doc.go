// Package openai is a [connectors.Model] over chat completions as OpenAI defined them: OpenAI itself, and the
// many servers that speak the same, such as vLLM, Ollama and llama.cpp, so that journeys can stay in one's own house.
//
// Terms. A habit is something in which those servers differ: how the length of an answer is bounded, how far a schema is kept to,
// whether pictures are read. Habits are found out once by a few tiny requests without anybody's text, before the first prompt.
//
// Promises, beside those of modelkit:
//
//   - Host and key come from the options alone; no environment variable redirects a call or adds to it. The client's own retries are off.
//   - Over plain http it speaks to loopback and private addresses only, and by no proxy.
//   - A price must be stated, if only as free: without one the daily budget could not be kept.
package openai
