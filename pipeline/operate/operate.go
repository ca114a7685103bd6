// Package operate is what commands, page and metrics ask of a running pipeline.
//
// It stands on top: imports run operate → privacy → pipeline, never back.
package operate
