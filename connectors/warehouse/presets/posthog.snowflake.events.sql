-- PostHog's batch export to Snowflake names its columns in small letters, quoted. It has no time of loading: what comes late is found by reading
-- the last three days again.
SELECT "uuid" AS event_id, "timestamp" AS time, "event" AS kind,
       COALESCE("properties":"$set":"email"::STRING, "properties":"email"::STRING, IFF(CONTAINS("distinct_id", '@'), "distinct_id", NULL)) AS email,
       IFF("event" = '$identify', "distinct_id", NULL) AS user_id,
       COALESCE("properties":"$anon_distinct_id"::STRING, IFF("event" = '$identify', NULL, "distinct_id")) AS anonymous_id,
       "properties":"$session_id"::STRING AS session_id, "properties":"$current_url"::STRING AS url,
       COALESCE("properties":"title"::STRING, "properties":"$title"::STRING) AS page_title, "properties":"$el_text"::STRING AS element_text,
       "properties":"$referrer"::STRING AS referrer, "properties":"$raw_user_agent"::STRING AS user_agent, "ip" AS ip,
       "properties":"utm_campaign"::STRING AS campaign, "properties":"$event_type"::STRING AS event_type
FROM "events"
WHERE "timestamp" >= :from AND "timestamp" < :to
