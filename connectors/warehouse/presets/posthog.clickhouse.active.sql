-- The events of a PostHog that you run yourself, in its own ClickHouse, by the time at which it took them in. Its table is sorted by the day of
-- the event: what is dated more than 30 days back is not looked for.
SELECT created_at AS cursor_time, toString(uuid) AS cursor_id,
       coalesce(nullIf(JSONExtractString(properties, '$set', 'email'), ''), nullIf(JSONExtractString(properties, 'email'), ''), if(distinct_id LIKE '%@%', distinct_id, '')) AS email,
       if(event = '$identify', distinct_id, '') AS user_id,
       coalesce(nullIf(JSONExtractString(properties, '$anon_distinct_id'), ''), if(event = '$identify', '', distinct_id)) AS anonymous_id
FROM events
WHERE timestamp > :since - INTERVAL 30 DAY AND (created_at, toString(uuid)) > (:since, :since_id)
ORDER BY created_at, toString(uuid) LIMIT :limit
