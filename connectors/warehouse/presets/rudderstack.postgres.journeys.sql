-- Steps of the people asked about. An anonymous id brings its past along if one person alone was identified with it.
WITH known AS (
  SELECT i.anonymous_id, i.user_id, lower(coalesce(to_jsonb(i)->>'email', to_jsonb(i)->>'context_traits_email')) AS email
  FROM identifies i
), links AS (
  SELECT anonymous_id, min(email) AS email, min(user_id) AS user_id
  FROM known
  WHERE anonymous_id IN (SELECT anonymous_id FROM known WHERE email = ANY(:emails) OR user_id = ANY(:user_ids))
  GROUP BY anonymous_id
  HAVING count(DISTINCT email) <= 1 AND count(DISTINCT user_id) <= 1
)
SELECT p.id AS event_id, p.timestamp AS time, 'page_view' AS kind, l.email AS person_email, l.user_id AS person_user_id, p.user_id, p.anonymous_id,
       p.context_page_url AS url, p.context_page_title AS page_title, p.received_at AS received,
       to_jsonb(p)->>'context_page_referrer' AS referrer, to_jsonb(p)->>'context_user_agent' AS user_agent, to_jsonb(p)->>'context_ip' AS ip,
       jsonb_build_object('campaign', to_jsonb(p)->>'context_campaign_name') AS properties
FROM pages p LEFT JOIN links l ON l.anonymous_id = p.anonymous_id
WHERE p.timestamp >= :from AND p.timestamp < :to
  AND (p.user_id = ANY(:user_ids) OR p.anonymous_id = ANY(:anonymous_ids) OR l.anonymous_id IS NOT NULL)
UNION ALL
SELECT t.id, t.timestamp, t.event, l.email, l.user_id, t.user_id, t.anonymous_id,
       t.context_page_url, t.context_page_title, t.received_at,
       to_jsonb(t)->>'context_page_referrer', to_jsonb(t)->>'context_user_agent', to_jsonb(t)->>'context_ip',
       jsonb_build_object('campaign', to_jsonb(t)->>'context_campaign_name')
FROM tracks t LEFT JOIN links l ON l.anonymous_id = t.anonymous_id
WHERE t.timestamp >= :from AND t.timestamp < :to
  AND (t.user_id = ANY(:user_ids) OR t.anonymous_id = ANY(:anonymous_ids) OR l.anonymous_id IS NOT NULL)
