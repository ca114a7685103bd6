-- PostHog's batch export to BigQuery makes a table that is partitioned by the time of the events: what comes late is found by reading the last
-- three days again. Its properties are texts or JSON, as the export is set: TO_JSON_STRING and PARSE_JSON make one of both.
SELECT uuid AS event_id, timestamp AS time, event AS kind,
       COALESCE(JSON_VALUE(p, '$."$set".email'), JSON_VALUE(p, '$.email'), IF(CONTAINS_SUBSTR(distinct_id, '@'), distinct_id, NULL)) AS email,
       IF(event = '$identify', distinct_id, NULL) AS user_id,
       COALESCE(JSON_VALUE(p, '$."$anon_distinct_id"'), IF(event = '$identify', NULL, distinct_id)) AS anonymous_id,
       JSON_VALUE(p, '$."$session_id"') AS session_id, JSON_VALUE(p, '$."$current_url"') AS url, COALESCE(JSON_VALUE(p, '$.title'), JSON_VALUE(p, '$."$title"')) AS page_title,
       JSON_VALUE(p, '$."$el_text"') AS element_text, JSON_VALUE(p, '$."$referrer"') AS referrer, JSON_VALUE(p, '$."$raw_user_agent"') AS user_agent, ip,
       JSON_VALUE(p, '$.utm_campaign') AS campaign, JSON_VALUE(p, '$."$event_type"') AS event_type
FROM (
  SELECT uuid, timestamp, event, distinct_id, ip,
         IF(STARTS_WITH(TO_JSON_STRING(properties), '"'), JSON_VALUE(TO_JSON_STRING(properties), '$'), TO_JSON_STRING(properties)) AS p
  FROM events WHERE timestamp >= :from AND timestamp < :to
)
