// Package operate is what commands, page and metrics ask of a pipeline: its status, why a person has their score, what a run would write,
// a pause, a release, dead letters, and a whole round at once.
//
// It stands on top: imports run operate → {intake, privacy} → pipeline, never back. It keeps nothing of its own: what it changes, it changes in
// the state or through the pipeline's own methods.
package operate
