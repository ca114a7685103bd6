// Package exec takes in events from a command of the admin's: any system, without a connector of its own.
//
// A run of the command is one page. It prints events as lines of JSON, in the forms that event files have, and beside them lines
// {"cursor": …, "more": true} of its own: the last cursor is stored with the events and given to the next run in INTENTD_CURSOR, which is
// empty at first; with more the next run follows at once.
//
// Promises:
//
//   - Nothing of a run that fails, takes longer than the timeout or prints more than maxOutput is kept: the next one begins at the same
//     cursor. The command ends with all it started.
//   - No shell is between, and of the daemon's environment the command sees what every program needs and what the config names.
//   - What it prints on standard error is told in errors, cut, without secrets and addresses.
package exec
