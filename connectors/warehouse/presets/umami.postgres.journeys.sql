SELECT e.event_id::text AS event_id, e.created_at AS time, coalesce(nullif(e.event_name, ''), 'page_view') AS kind,
       CASE WHEN s.distinct_id LIKE '%@%' THEN s.distinct_id END AS email, s.distinct_id AS user_id,
       e.session_id::text AS anonymous_id, e.visit_id::text AS session_id,
       'https://' || coalesce(to_jsonb(e)->>'hostname', to_jsonb(s)->>'hostname', 'site') || e.url_path || coalesce('?' || nullif(e.url_query, ''), '') AS url,
       e.page_title, to_jsonb(e)->>'referrer_domain' AS referrer
FROM website_event e JOIN session s ON s.session_id = e.session_id
WHERE e.created_at >= :from AND e.created_at < :to
  AND (s.distinct_id = ANY(:user_ids) OR lower(s.distinct_id) = ANY(:emails) OR e.session_id::text = ANY(:anonymous_ids))
