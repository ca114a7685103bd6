-- An event may have been loaded twice: the earliest by the collector's time stands.
WITH links AS (
  SELECT domain_userid, min(user_id) AS user_id
  FROM atomic.events
  WHERE domain_userid IN (SELECT domain_userid FROM atomic.events WHERE user_id = ANY(:user_ids) OR lower(user_id) = ANY(:emails))
    AND user_id IS NOT NULL
  GROUP BY domain_userid HAVING count(DISTINCT user_id) = 1
)
SELECT DISTINCT ON (e.event_id) e.event_id::text AS event_id, e.derived_tstamp AS time, e.event AS kind,
       CASE WHEN l.user_id LIKE '%@%' THEN l.user_id END AS person_email, l.user_id AS person_user_id,
       CASE WHEN e.user_id LIKE '%@%' THEN e.user_id END AS email, e.user_id, e.domain_userid AS anonymous_id, e.domain_sessionid AS session_id,
       e.page_url AS url, e.page_title, e.load_tstamp AS received,
       to_jsonb(e)->>'page_referrer' AS referrer, to_jsonb(e)->>'useragent' AS user_agent, to_jsonb(e)->>'user_ipaddress' AS ip,
       jsonb_build_object('campaign', to_jsonb(e)->>'mkt_campaign') AS properties
FROM atomic.events e LEFT JOIN links l ON l.domain_userid = e.domain_userid
WHERE e.derived_tstamp >= :from AND e.derived_tstamp < :to
  AND (e.user_id = ANY(:user_ids) OR lower(e.user_id) = ANY(:emails) OR e.domain_userid = ANY(:anonymous_ids) OR l.domain_userid IS NOT NULL)
ORDER BY e.event_id, e.collector_tstamp
