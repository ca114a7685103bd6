-- Umami knows a person by the distinct_id that the site gives its identify call; an address as distinct_id is that address.
SELECT e.created_at AS cursor_time, e.event_id::text AS cursor_id,
       CASE WHEN s.distinct_id LIKE '%@%' THEN s.distinct_id END AS email, s.distinct_id AS user_id, e.session_id::text AS anonymous_id
FROM website_event e JOIN session s ON s.session_id = e.session_id
WHERE (e.created_at, e.event_id::text) > (:since, :since_id)
ORDER BY e.created_at, e.event_id::text LIMIT :limit
