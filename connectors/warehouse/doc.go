// Package warehouse reads journeys where a team's data already lies: in a SQL database or warehouse.
//
// The admin, or a preset, gives two queries with fixed column names and named parameters; the rest is the same for every dialect.
//
//   - active tells who did something since a position. Parameters :since (a time), :since_id (text) and :limit; columns cursor_time,
//     cursor_id, email, phone, user_id, anonymous_id; ordered by (cursor_time, cursor_id), which must be the order of intake.
//   - journeys tells what people did. Parameters :emails (in lower case), :user_ids, :anonymous_ids, :domains (lists of text), :from and :to
//     (times, half-open); columns event_id, time, kind, email, phone, user_id, anonymous_id, session_id, url, page_title, element_text, element_id,
//     referrer, user_agent, ip, consent, received, properties (an object of JSON), and person_email and person_user_id: by whom of those asked
//     about the warehouse links a row to somebody that names nobody itself. A missing column reads as empty; any other one is a property of the event.
//
// Where a query is paid by what it reads, the warehouse is a feed instead: each row is read once. One query, events, takes the place of both: by a
// window (:from and :to) where the engine keeps its answers, with the parameters and the order of active elsewhere.
//
// A lot of people is one query: the engine carries the volume of events, and of its answer no more than a row is held here.
//
// Promises: a session can only read. A page never ends inside a run of equal positions without going on there. Rows that come late by up to
// the lookback are found; told again they are dropped by their event_id. What cannot be read is counted by its reason.
package warehouse
