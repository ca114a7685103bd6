-- A plain product database: users (id, email) and events (id, user_id, anonymous_id, name, url, title, properties, occurred_at, created_at).
SELECT e.created_at AS cursor_time, toString(e.id) AS cursor_id, u.email AS email, toString(e.user_id) AS user_id, toString(e.anonymous_id) AS anonymous_id
FROM events e LEFT JOIN users u ON u.id = e.user_id
WHERE (e.created_at, toString(e.id)) > (:since, :since_id)
ORDER BY e.created_at, toString(e.id) LIMIT :limit
