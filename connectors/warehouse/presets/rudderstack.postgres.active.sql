-- Who did something, by the time the warehouse took it in. Column names are those of RudderStack's and Segment's warehouses; an address stands
-- among an identify's traits, in a column that not every warehouse has.
SELECT cursor_time, cursor_id, email, user_id, anonymous_id FROM (
  (SELECT i.received_at AS cursor_time, i.id AS cursor_id, coalesce(to_jsonb(i)->>'email', to_jsonb(i)->>'context_traits_email') AS email, i.user_id, i.anonymous_id
     FROM identifies i WHERE (i.received_at, i.id) > (:since, :since_id) ORDER BY i.received_at, i.id LIMIT :limit)
  UNION ALL
  (SELECT p.received_at, p.id, NULL, p.user_id, p.anonymous_id
     FROM pages p WHERE (p.received_at, p.id) > (:since, :since_id) ORDER BY p.received_at, p.id LIMIT :limit)
  UNION ALL
  (SELECT t.received_at, t.id, NULL, t.user_id, t.anonymous_id
     FROM tracks t WHERE (t.received_at, t.id) > (:since, :since_id) ORDER BY t.received_at, t.id LIMIT :limit)
) AS rows
ORDER BY cursor_time, cursor_id LIMIT :limit
