-- RudderStack and Segment load tables that are partitioned by the day of loading. Each partition is read once, and today's again with every
-- pass. Not every warehouse has every column: rows are read as a whole, which reads all columns of the three tables.
WITH rows_ AS (
  SELECT 'identify' AS kind, id, user_id, anonymous_id, timestamp, received_at, TO_JSON_STRING(i) AS line
  FROM identifies AS i WHERE _PARTITIONTIME >= TIMESTAMP_TRUNC(:from, DAY) AND _PARTITIONTIME < :to
  UNION ALL
  SELECT 'page_view', id, user_id, anonymous_id, timestamp, received_at, TO_JSON_STRING(p)
  FROM pages AS p WHERE _PARTITIONTIME >= TIMESTAMP_TRUNC(:from, DAY) AND _PARTITIONTIME < :to
  UNION ALL
  SELECT event, id, user_id, anonymous_id, timestamp, received_at, TO_JSON_STRING(t)
  FROM tracks AS t WHERE _PARTITIONTIME >= TIMESTAMP_TRUNC(:from, DAY) AND _PARTITIONTIME < :to
)
SELECT id AS event_id, timestamp AS time, kind, COALESCE(JSON_VALUE(line, '$.email'), JSON_VALUE(line, '$.context_traits_email')) AS email, user_id, anonymous_id,
       COALESCE(JSON_VALUE(line, '$.context_page_url'), JSON_VALUE(line, '$.url')) AS url,
       COALESCE(JSON_VALUE(line, '$.context_page_title'), JSON_VALUE(line, '$.title')) AS page_title,
       received_at AS received, JSON_VALUE(line, '$.context_page_referrer') AS referrer, JSON_VALUE(line, '$.context_user_agent') AS user_agent,
       JSON_VALUE(line, '$.context_ip') AS ip, JSON_VALUE(line, '$.context_campaign_name') AS campaign
FROM rows_
