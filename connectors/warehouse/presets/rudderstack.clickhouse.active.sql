-- Who did something, by the time at which RudderStack took it in. An address stands among an identify's traits, in a column that not every
-- warehouse has: the row is read as a whole.
SELECT cursor_time, cursor_id, address AS email, user_id, anonymous_id FROM (
  SELECT received_at AS cursor_time, id AS cursor_id, user_id, anonymous_id, formatRowNoNewline('JSONEachRow', *) AS line,
         coalesce(nullIf(JSONExtractString(line, 'email'), ''), JSONExtractString(line, 'context_traits_email')) AS address
  FROM identifies WHERE (received_at, id) > (:since, :since_id) ORDER BY received_at, id LIMIT :limit
  UNION ALL
  SELECT received_at, id, user_id, anonymous_id, '', '' FROM pages WHERE (received_at, id) > (:since, :since_id) ORDER BY received_at, id LIMIT :limit
  UNION ALL
  SELECT received_at, id, user_id, anonymous_id, '', '' FROM tracks WHERE (received_at, id) > (:since, :since_id) ORDER BY received_at, id LIMIT :limit
)
ORDER BY cursor_time, cursor_id LIMIT :limit
