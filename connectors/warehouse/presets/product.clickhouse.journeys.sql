-- What a visitor did before they had an account comes along with them, if their device was one user's alone.
WITH theirs AS (
  SELECT coalesce(toString(id), '') AS person, lower(coalesce(email, '')) AS address FROM users WHERE has(:emails, lower(coalesce(email, ''))) OR has(:user_ids, toString(id))
), steps AS (
  SELECT *, coalesce(toString(user_id), '') AS who, coalesce(toString(anonymous_id), '') AS device FROM events
), devices AS (
  SELECT device, min(who) AS owner FROM steps
  WHERE device != '' AND who != '' AND device IN (SELECT device FROM steps WHERE who IN (SELECT person FROM theirs))
  GROUP BY device HAVING uniqExact(who) = 1
), owned AS (
  SELECT s.*, if(s.who != '', s.who, d.owner) AS whose FROM steps s LEFT JOIN devices d ON d.device = s.device WHERE s.occurred_at >= :from AND s.occurred_at < :to
)
SELECT toString(o.id) AS event_id, o.occurred_at AS time, o.name AS kind, t.address AS person_email, o.whose AS person_user_id,
       if(o.who != '', t.address, '') AS email, o.who AS user_id, o.device AS anonymous_id, o.url AS url, o.title AS page_title,
       o.created_at AS received, o.properties AS properties
FROM owned o LEFT JOIN theirs t ON t.person = o.whose
WHERE t.person != '' OR has(:anonymous_ids, o.device)
