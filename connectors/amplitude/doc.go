// Package amplitude takes in the events of an Amplitude project by its Export API.
//
// The API tells what Amplitude's servers took in within some hours, as a zip of gzip files of JSON lines, about two hours after an hour is over. The
// cursor is the hour behind the last one that was read. A pass reads the hours that are closed since, in calls of one hour or many, by how much
// there is; an answer lies in a temporary file while it is read.
//
// By the documentation 404 says that there is no data, which is also what is told of hours that are not loaded yet: so the last
// [Config.Reread] are read again once a day. 400 (more than 4 GB) and 504 (took too long) want a shorter range: the call is made again for half of
// the hours.
package amplitude
