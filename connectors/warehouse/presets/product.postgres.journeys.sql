-- What a visitor did before they had an account comes along with them, if their device was one user's alone.
WITH theirs AS (
  SELECT id, lower(email) AS email FROM users WHERE lower(email) = ANY(:emails) OR id::text = ANY(:user_ids)
), devices AS (
  SELECT anonymous_id::text AS device, min(user_id::text) AS person FROM events
  WHERE anonymous_id IN (SELECT anonymous_id FROM events WHERE user_id IN (SELECT id FROM theirs)) AND user_id IS NOT NULL
  GROUP BY 1 HAVING count(DISTINCT user_id) = 1
)
SELECT e.id::text AS event_id, e.occurred_at AS time, e.name AS kind, t.email AS person_email, t.id::text AS person_user_id,
       CASE WHEN e.user_id IS NOT NULL THEN t.email END AS email, e.user_id::text AS user_id, e.anonymous_id::text AS anonymous_id,
       e.url, e.title AS page_title, e.created_at AS received, e.properties
FROM events e
LEFT JOIN devices d ON d.device = e.anonymous_id::text AND e.user_id IS NULL
LEFT JOIN theirs t ON t.id::text = coalesce(e.user_id::text, d.person)
WHERE e.occurred_at >= :from AND e.occurred_at < :to AND (t.id IS NOT NULL OR e.anonymous_id::text = ANY(:anonymous_ids))
