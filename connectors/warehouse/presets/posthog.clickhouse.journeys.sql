WITH named AS (
  SELECT JSONExtractString(properties, '$anon_distinct_id') AS device, distinct_id AS person,
         lower(coalesce(nullIf(JSONExtractString(properties, '$set', 'email'), ''), JSONExtractString(properties, 'email'))) AS address
  FROM events WHERE event = '$identify'
), links AS (
  SELECT device, max(person) AS owner, max(address) AS mail FROM named
  WHERE device != '' AND device IN (SELECT device FROM named WHERE has(:user_ids, person) OR has(:emails, lower(person)) OR has(:emails, address))
  GROUP BY device HAVING uniqExact(person) = 1
), known AS (
  SELECT person AS somebody, max(address) AS mail FROM named WHERE has(:user_ids, person) OR has(:emails, lower(person)) OR has(:emails, address) GROUP BY somebody
)
SELECT toString(e.uuid) AS event_id, e.timestamp AS time, e.event AS kind,
       coalesce(nullIf(l.mail, ''), k.mail) AS person_email, coalesce(nullIf(l.owner, ''), k.somebody) AS person_user_id,
       if(e.distinct_id LIKE '%@%', e.distinct_id, '') AS email, k.somebody AS user_id, e.distinct_id AS anonymous_id, JSONExtractString(e.properties, '$session_id') AS session_id,
       JSONExtractString(e.properties, '$current_url') AS url,
       coalesce(nullIf(JSONExtractString(e.properties, 'title'), ''), JSONExtractString(e.properties, '$title')) AS page_title,
       JSONExtractString(e.properties, '$el_text') AS element_text, JSONExtractString(e.properties, '$referrer') AS referrer,
       JSONExtractString(e.properties, '$raw_user_agent') AS user_agent, JSONExtractString(e.properties, '$ip') AS ip, e.created_at AS received,
       JSONExtractString(e.properties, 'utm_campaign') AS campaign, JSONExtractString(e.properties, '$event_type') AS event_type
FROM events e LEFT JOIN links l ON l.device = e.distinct_id LEFT JOIN known k ON k.somebody = e.distinct_id
WHERE e.timestamp >= :from AND e.timestamp < :to
  AND (has(:user_ids, e.distinct_id) OR has(:emails, lower(e.distinct_id)) OR has(:anonymous_ids, e.distinct_id) OR l.device != '' OR k.somebody != '')
ORDER BY e.uuid, e.created_at LIMIT 1 BY e.uuid
