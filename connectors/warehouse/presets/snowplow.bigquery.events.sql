-- Snowplow's table is partitioned by load_tstamp. An event that was loaded twice comes twice, under one id.
SELECT event_id, COALESCE(derived_tstamp, collector_tstamp) AS time, COALESCE(event_name, event) AS kind,
       IF(CONTAINS_SUBSTR(user_id, '@'), user_id, NULL) AS email, user_id, domain_userid AS anonymous_id, domain_sessionid AS session_id,
       page_url AS url, page_title, page_referrer AS referrer, useragent AS user_agent, user_ipaddress AS ip, load_tstamp AS received, mkt_campaign AS campaign
FROM events
WHERE load_tstamp >= :from AND load_tstamp < :to
