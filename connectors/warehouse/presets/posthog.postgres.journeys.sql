WITH links AS (
  SELECT e.properties->>'$anon_distinct_id' AS anonymous_id, min(e.distinct_id) AS user_id,
         min(lower(coalesce(e.properties->'$set'->>'email', e.properties->>'email'))) AS email
  FROM events e
  WHERE e.event = '$identify'
    AND (e.distinct_id = ANY(:user_ids) OR lower(e.distinct_id) = ANY(:emails) OR lower(coalesce(e.properties->'$set'->>'email', e.properties->>'email')) = ANY(:emails))
  GROUP BY 1
), shared AS (
  SELECT e.properties->>'$anon_distinct_id' AS anonymous_id FROM events e WHERE e.event = '$identify' GROUP BY 1 HAVING count(DISTINCT e.distinct_id) > 1
)
SELECT DISTINCT ON (e.uuid) e.uuid::text AS event_id, e.timestamp AS time, e.event AS kind,
       coalesce(l.email, u.email) AS person_email, coalesce(l.user_id, u.user_id) AS person_user_id,
       CASE WHEN e.distinct_id LIKE '%@%' THEN e.distinct_id END AS email, u.user_id, e.distinct_id AS anonymous_id, e.properties->>'$session_id' AS session_id,
       e.properties->>'$current_url' AS url, coalesce(e.properties->>'title', e.properties->>'$title') AS page_title,
       e.properties->>'$el_text' AS element_text, e.properties->>'$referrer' AS referrer, e.properties->>'$raw_user_agent' AS user_agent, e.properties->>'$ip' AS ip,
       jsonb_build_object('campaign', e.properties->>'utm_campaign', '$event_type', e.properties->>'$event_type') AS properties
FROM events e
LEFT JOIN links l ON l.anonymous_id = e.distinct_id AND l.anonymous_id NOT IN (SELECT anonymous_id FROM shared WHERE anonymous_id IS NOT NULL)
LEFT JOIN links u ON u.user_id = e.distinct_id
WHERE e.timestamp >= :from AND e.timestamp < :to
  AND (e.distinct_id = ANY(:user_ids) OR lower(e.distinct_id) = ANY(:emails) OR e.distinct_id = ANY(:anonymous_ids) OR l.user_id IS NOT NULL OR u.user_id IS NOT NULL)
ORDER BY e.uuid
