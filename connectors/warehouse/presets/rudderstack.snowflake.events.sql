-- RudderStack and Segment load in batches: rows come in hours after they were received, and are found by reading a little further back.
-- Not every warehouse has every column: rows are read as a whole.
WITH rows_ AS (
  SELECT 'identify' AS kind, id, user_id, anonymous_id, timestamp, received_at, OBJECT_CONSTRUCT(*) AS line
  FROM identifies WHERE received_at >= :from AND received_at < :to
  UNION ALL
  SELECT 'page_view', id, user_id, anonymous_id, timestamp, received_at, OBJECT_CONSTRUCT(*)
  FROM pages WHERE received_at >= :from AND received_at < :to
  UNION ALL
  SELECT event, id, user_id, anonymous_id, timestamp, received_at, OBJECT_CONSTRUCT(*)
  FROM tracks WHERE received_at >= :from AND received_at < :to
)
SELECT id AS event_id, timestamp AS time, kind, COALESCE(line['EMAIL'], line['CONTEXT_TRAITS_EMAIL'])::STRING AS email, user_id, anonymous_id,
       COALESCE(line['CONTEXT_PAGE_URL'], line['URL'])::STRING AS url, COALESCE(line['CONTEXT_PAGE_TITLE'], line['TITLE'])::STRING AS page_title,
       received_at AS received, line['CONTEXT_PAGE_REFERRER']::STRING AS referrer, line['CONTEXT_USER_AGENT']::STRING AS user_agent,
       line['CONTEXT_IP']::STRING AS ip, line['CONTEXT_CAMPAIGN_NAME']::STRING AS campaign
FROM rows_
