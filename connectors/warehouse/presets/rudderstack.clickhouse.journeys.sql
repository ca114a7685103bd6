-- Steps of the people asked about. An anonymous id brings its past along if one person alone was identified with it.
WITH known AS (
  SELECT anonymous_id, user_id, formatRowNoNewline('JSONEachRow', *) AS line,
         lower(coalesce(nullIf(JSONExtractString(line, 'email'), ''), JSONExtractString(line, 'context_traits_email'))) AS mail
  FROM identifies
), links AS (
  SELECT assumeNotNull(anonymous_id) AS device, max(mail) AS address, max(coalesce(user_id, '')) AS person
  FROM known
  WHERE anonymous_id IN (SELECT anonymous_id FROM known WHERE has(:emails, mail) OR has(:user_ids, coalesce(user_id, ''))) AND coalesce(anonymous_id, '') != ''
  GROUP BY device
  HAVING uniqExactIf(mail, mail != '') <= 1 AND uniqExactIf(user_id, user_id != '') <= 1
), steps AS (
  SELECT id, timestamp, 'page_view' AS kind, coalesce(user_id, '') AS who, coalesce(anonymous_id, '') AS device, received_at, formatRowNoNewline('JSONEachRow', *) AS line
  FROM pages WHERE timestamp >= :from AND timestamp < :to
    AND (has(:user_ids, coalesce(user_id, '')) OR has(:anonymous_ids, coalesce(anonymous_id, '')) OR anonymous_id IN (SELECT device FROM links))
  UNION ALL
  SELECT id, timestamp, event, coalesce(user_id, ''), coalesce(anonymous_id, ''), received_at, formatRowNoNewline('JSONEachRow', *)
  FROM tracks WHERE timestamp >= :from AND timestamp < :to
    AND (has(:user_ids, coalesce(user_id, '')) OR has(:anonymous_ids, coalesce(anonymous_id, '')) OR anonymous_id IN (SELECT device FROM links))
)
SELECT s.id AS event_id, s.timestamp AS time, s.kind AS kind, l.address AS person_email, l.person AS person_user_id, s.who AS user_id, s.device AS anonymous_id,
       JSONExtractString(s.line, 'context_page_url') AS url, JSONExtractString(s.line, 'context_page_title') AS page_title, s.received_at AS received,
       JSONExtractString(s.line, 'context_page_referrer') AS referrer, JSONExtractString(s.line, 'context_user_agent') AS user_agent,
       JSONExtractString(s.line, 'context_ip') AS ip, JSONExtractString(s.line, 'context_campaign_name') AS campaign
FROM steps s LEFT JOIN links l ON l.device = s.device
