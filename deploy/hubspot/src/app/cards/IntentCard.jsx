import React from 'react';
import { Alert, DescriptionList, DescriptionListItem, Divider, Flex, LoadingSpinner, ProgressBar, StatusTag, Text, hubspot } from '@hubspot/ui-extensions';
import { useCrmProperties } from '@hubspot/ui-extensions/crm';
import { cardOf } from './intentReasons.js';

/** intentd's properties by canonical name; whoever named them otherwise (hubspot.fields) changes them here, too. */
const FIELDS = {
  score: 'intent_score',
  tier: 'intent_tier',
  tier_since: 'intent_tier_since',
  headline: 'intent_headline',
  reasons: 'intent_reasons',
  cools_on: 'intent_cools_on',
  verdict: 'intent_verdict',
};

const VARIANTS = { high: 'success', medium: 'warning' };

/** Why a contact has its score. Reads the record's own properties through HubSpot, and asks nobody else. */
export const IntentCard = ({ locale = 'en', now = new Date() }) => {
  const { properties, isLoading, error } = useCrmProperties(Object.values(FIELDS));
  if (isLoading) return <LoadingSpinner label="Intent" />;
  if (error) return <Alert title="Intent" variant="error">The contact's properties cannot be read.</Alert>;
  const values = {};
  for (const [name, property] of Object.entries(FIELDS)) values[name] = properties[property];
  const card = cardOf(values, now, locale);
  if (!card.known) return <Text>{card.say.none}</Text>;
  return (
    <Flex direction="column" gap="small">
      <Flex direction="row" gap="small" align="center">
        <StatusTag variant={VARIANTS[card.tier] || 'default'}>{card.tierText}</StatusTag>
        <Text format={{ fontWeight: 'bold' }}>{card.score}</Text>
        <Text variant="microcopy">{card.since}</Text>
      </Flex>
      {card.headline && <Text>{card.headline}</Text>}
      {card.curve && <ProgressBar title={card.curve.text} value={card.curve.share} maxValue={100} showPercentage={false} variant="warning" />}
      {card.parts.length > 0 && <Divider />}
      {card.parts.map((part) => <ProgressBar key={part.name} title={part.name} valueDescription={part.text} value={part.share} maxValue={100} showPercentage={false} />)}
      <Divider />
      <DescriptionList direction="column">
        {card.raises && <DescriptionListItem label={card.say.raises}><Text>{card.raises}</Text></DescriptionListItem>}
        {card.lowers && <DescriptionListItem label={card.say.lowers}><Text>{card.lowers}</Text></DescriptionListItem>}
        <DescriptionListItem label={card.say.verdict}><Text>{card.verdict}</Text></DescriptionListItem>
      </DescriptionList>
      {card.notes.map((note) => <Text key={note} variant="microcopy">{note}</Text>)}
    </Flex>
  );
};

hubspot.extend(({ context }) => <IntentCard locale={context?.user?.locale} />);
