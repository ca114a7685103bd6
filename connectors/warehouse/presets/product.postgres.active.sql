-- A plain product database: users (id, email) and events (id, user_id, anonymous_id, name, url, title, properties, occurred_at, created_at).
SELECT e.created_at AS cursor_time, e.id::text AS cursor_id, u.email, e.user_id::text AS user_id, e.anonymous_id::text AS anonymous_id
FROM events e LEFT JOIN users u ON u.id = e.user_id
WHERE (e.created_at, e.id::text) > (:since, :since_id)
ORDER BY e.created_at, e.id::text LIMIT :limit
