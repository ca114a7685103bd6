// intentd's HogQL, as PostHog's own parser reads it. connectors/posthog's tests keep the file of queries equal to what is sent.
import assert from 'node:assert';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import createParser from '@posthog/hogql-parser';

const queries = readFileSync(new URL('../../connectors/posthog/testdata/queries.sql', import.meta.url), 'utf8').split('\n').filter((line) => line && !line.startsWith('--'));
const parser = await createParser();

test('PostHog parses every query', () => {
  assert.ok(queries.length >= 4, `only ${queries.length} queries`);
  for (const query of queries) {
    const ast = JSON.parse(parser.parseSelect(query, true));
    assert.ok(!ast.error, `${ast.type}: ${ast.message}\n${query}`);
  }
});

test('PostHog refuses what is none', () => {
  assert.ok(JSON.parse(parser.parseSelect('SELECT FROM WHERE', true)).error);
});
