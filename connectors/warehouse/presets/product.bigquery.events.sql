-- A plain product database: users (id, email) and events (id, user_id, anonymous_id, name, url, title, properties, occurred_at, created_at), events
-- partitioned by created_at. The users are read whole with each pass.
SELECT CAST(e.id AS STRING) AS event_id, e.occurred_at AS time, e.name AS kind, u.email, CAST(e.user_id AS STRING) AS user_id,
       CAST(e.anonymous_id AS STRING) AS anonymous_id, e.url, e.title AS page_title, e.created_at AS received, e.properties
FROM events e LEFT JOIN users u ON u.id = e.user_id
WHERE e.created_at >= :from AND e.created_at < :to
