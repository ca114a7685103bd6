-- PostHog's batch export to Postgres. It has no time of intake: positions are times of events, and the lookback finds what came late.
SELECT e.timestamp AS cursor_time, e.uuid::text AS cursor_id,
       coalesce(e.properties->'$set'->>'email', e.properties->>'email', CASE WHEN e.distinct_id LIKE '%@%' THEN e.distinct_id END) AS email,
       CASE WHEN e.event = '$identify' THEN e.distinct_id END AS user_id,
       coalesce(e.properties->>'$anon_distinct_id', CASE WHEN e.event <> '$identify' THEN e.distinct_id END) AS anonymous_id
FROM events e
WHERE (e.timestamp, e.uuid::text) > (:since, :since_id)
ORDER BY e.timestamp, e.uuid::text LIMIT :limit
