-- Google Analytics 4's export to BigQuery: a table a day, which Google rewrites for three days, and one of today that grows. A day is one of the
-- property's own zone: a pass begins and ends 14 hours further out. Rows have no id; it is made of what Google does not rewrite.
SELECT
  TO_HEX(MD5(CONCAT(IFNULL(user_pseudo_id, ''), '|', IFNULL(user_id, ''), '|', event_name, '|', CAST(event_timestamp AS STRING), '|',
    IFNULL(CAST(event_bundle_sequence_id AS STRING), ''), '|', IFNULL(CAST(batch_event_index AS STRING), ''), '|',
    IFNULL((SELECT value.string_value FROM UNNEST(event_params) WHERE key = 'page_location'), '')))) AS event_id,
  event_timestamp AS time,
  event_name AS kind,
  user_id,
  user_pseudo_id AS anonymous_id,
  CONCAT(IFNULL(user_pseudo_id, user_id), '.', (SELECT CAST(value.int_value AS STRING) FROM UNNEST(event_params) WHERE key = 'ga_session_id')) AS session_id,
  (SELECT value.string_value FROM UNNEST(event_params) WHERE key = 'page_location') AS url,
  (SELECT value.string_value FROM UNNEST(event_params) WHERE key = 'page_title') AS page_title,
  (SELECT value.string_value FROM UNNEST(event_params) WHERE key = 'page_referrer') AS referrer,
  (SELECT value.string_value FROM UNNEST(event_params) WHERE key = 'link_text') AS element_text,
  (SELECT value.string_value FROM UNNEST(event_params) WHERE key = 'link_id') AS element_id,
  COALESCE((SELECT value.string_value FROM UNNEST(event_params) WHERE key = 'form_name'),
    (SELECT value.string_value FROM UNNEST(event_params) WHERE key = 'form_id')) AS form,
  (SELECT value.string_value FROM UNNEST(event_params) WHERE key = 'campaign') AS campaign,
  IF(privacy_info.analytics_storage = 'No', 'denied', NULL) AS consent,
  (SELECT CONCAT('{', STRING_AGG(CONCAT(TO_JSON_STRING(key), ':', TO_JSON_STRING(COALESCE(value.string_value, CAST(value.int_value AS STRING),
      CAST(value.double_value AS STRING), CAST(value.float_value AS STRING)))), ','), '}')
   FROM UNNEST(event_params)
   WHERE key NOT IN ('page_location', 'page_title', 'page_referrer', 'link_text', 'link_id', 'form_name', 'form_id', 'campaign', 'ga_session_id',
     'ga_session_number', 'engaged_session_event', 'session_engaged', 'entrances', 'batch_event_index', 'batch_page_id', 'batch_ordering_id',
     'ignore_referrer')) AS properties
FROM `{schema}.events_*`
WHERE _TABLE_SUFFIX BETWEEN FORMAT_TIMESTAMP('%Y%m%d', :from) AND FORMAT_TIMESTAMP('%Y%m%d', TIMESTAMP_SUB(:to, INTERVAL 1 MICROSECOND))
   OR _TABLE_SUFFIX BETWEEN CONCAT('intraday_', FORMAT_TIMESTAMP('%Y%m%d', :from))
                        AND CONCAT('intraday_', FORMAT_TIMESTAMP('%Y%m%d', TIMESTAMP_SUB(:to, INTERVAL 1 MICROSECOND)))
