// The cards' pure functions on texts that intentd wrote (a Go test keeps them so), and on what may be in the field instead. Needs Node alone.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const root = new URL('../../', import.meta.url);
const read = (path) => readFileSync(new URL(path, root), 'utf8');
const source = read('deploy/salesforce/force-app/main/default/lwc/intentReasons/intentReasons.js');
const { cardOf, parseReasons } = await import(`data:text/javascript,${encodeURIComponent(source)}`);
const fixtures = JSON.parse(read('cmd/intentd/internal/demo/testdata/cards.golden.json'));
const now = new Date('2026-11-21T09:30:00Z');

test('both projects take texts apart in the same way', () => {
  assert.equal(read('deploy/hubspot/src/app/cards/intentReasons.js'), source);
});

for (const { case: name, language, fields } of fixtures) {
  test(`${name}, ${language}`, () => {
    const reasons = parseReasons(fields.reasons);
    const card = cardOf(fields, now, 'fr');
    const whole = !name.startsWith('a field of');
    assert.equal(card.language, language);
    assert.equal(card.tier, fields.tier);
    assert.equal(card.headline, fields.headline);
    if (fields.score === '') {
      assert.deepEqual([card.score, card.parts, reasons.notes.length], ['', [], 1]);
      return;
    }
    assert.equal(card.score, language === 'de' ? fields.score.replace('.', ',') : fields.score);
    assert.ok(card.raises, 'what raises is told');
    if (whole) {
      assert.equal(reasons.parts.reduce((sum, p) => sum + p.tenths, 0), Math.round(Number(fields.score) * 10), 'the parts add up to the score');
      assert.equal(card.parts.length, name.includes('kept within') ? 4 : 3);
      assert.ok(card.lowers);
      assert.ok(card.parts.every((p) => p.text.includes(language === 'de' ? ',' : '.') && p.share >= 0 && p.share <= 100));
    }
    // Nothing of the text is lost: each line is raises, lowers, the arithmetic, or a note.
    const lines = fields.reasons.split('\n').length;
    assert.equal(Number(Boolean(reasons.raises)) + Number(Boolean(reasons.lowers)) + Number(reasons.total !== null) + reasons.notes.length, lines);
    assert.equal(Boolean(card.curve), fields.cools_on !== '');
    if (card.curve) assert.ok(card.curve.share >= 0 && card.curve.share <= 100);
  });
}

test('the fixtures have every engine, both languages and each form of the arithmetic', () => {
  for (const engine of ['formula', 'weights', 'model', 'propensity']) {
    for (const language of ['en', 'de']) assert.ok(fixtures.some((f) => f.case.startsWith(engine) && f.language === language), `${engine} ${language}`);
  }
  const texts = fixtures.map((f) => f.fields.reasons).join('\n');
  for (const part of ['How much', 'Menge', 'Start', 'Anfang', 'Start −', 'kept within', ' − ', 'zwischen 0 und 100']) assert.ok(texts.includes(part), part);
  assert.ok(fixtures.some((f) => f.fields.cools_on));
});

test('an arithmetic that does not add up, or is of another score, is not drawn', () => {
  const text = 'Raises: a demo.\nLowers: nothing.\nHow much 24.0/40 + how lately 23.6/30 + how strong 16.8/30 = 64.4, medium.';
  assert.equal(cardOf({ score: 64.4, reasons: text }, now).parts.length, 3);
  assert.equal(cardOf({ score: 64.5, reasons: text }, now).parts.length, 0);
  assert.equal(cardOf({ score: 64.4, reasons: text.replace('24.0', '25.0') }, now).parts.length, 0);
  assert.ok(parseReasons(text.replace('24.0', '25.0')).notes[0].startsWith('How much'), 'the line stays as it is written');
});

test('what a person wrote stays as it is, and an empty record says that there is no score', () => {
  assert.deepEqual(parseReasons('Called her: wants it in January'), { language: '', raises: '', lowers: '', parts: [], total: null, notes: ['Called her: wants it in January'] });
  for (const nothing of [undefined, null, '']) {
    const card = cardOf({ score: nothing, tier: nothing, reasons: nothing }, now, 'de-DE');
    assert.deepEqual([card.known, card.language, card.parts, card.curve], [false, 'de', [], null]);
  }
  assert.equal(cardOf({ score: '12.0', tier: 'low', reasons: 'Raises: <img src=x>.' }, now).raises, '<img src=x>.');
});

test('days are read as CRMs tell them: as text, as a time, in milliseconds', () => {
  for (const [since, until] of [['2026-11-11T09:30:00Z', '2026-12-01'], [String(Date.UTC(2026, 10, 11, 9, 30)), String(Date.UTC(2026, 11, 1))], ['2026-11-11T09:30:00.000+0000', '2026-12-01']]) {
    const card = cardOf({ score: 64.4, tier: 'high', tier_since: since, cools_on: until, verdict: 'not_now' }, now);
    assert.deepEqual([card.curve.share, card.curve.text, card.since, card.verdict], [51, 'until 1 Dec 2026, unless they do something new', 'since 11 Nov 2026', 'not now']);
  }
  const late = cardOf({ score: 64.4, tier: 'high', tier_since: '2026-11-01T00:00:00Z', cools_on: '2026-11-20' }, now);
  assert.deepEqual([late.curve.share, late.curve.text], [100, 'was to end on 20 Nov 2026']);
  assert.equal(cardOf({ score: 64.4, cools_on: 'soon', tier_since: 'x' }, now).curve, null);
});
