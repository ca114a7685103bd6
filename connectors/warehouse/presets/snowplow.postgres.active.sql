-- Who did something, by the time of loading. Snowplow knows people by domain_userid and, once they signed in, by user_id.
SELECT e.load_tstamp AS cursor_time, e.event_id::text AS cursor_id,
       CASE WHEN e.user_id LIKE '%@%' THEN e.user_id END AS email, e.user_id, e.domain_userid AS anonymous_id
FROM atomic.events e
WHERE (e.load_tstamp, e.event_id::text) > (:since, :since_id)
ORDER BY e.load_tstamp, e.event_id::text LIMIT :limit
