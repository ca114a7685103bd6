// Both projects built and rendered as they stand, by the vendors' own packages: HubSpot's renderer for tests, Salesforce's compiler and server engine.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { transformSync } from '@lwc/compiler';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('../../', import.meta.url));
const fixtures = JSON.parse(readFileSync(join(root, 'cmd/intentd/internal/demo/testdata/cards.golden.json'), 'utf8'));
const person = (name, language) => fixtures.find((f) => f.case === name && f.language === language).fields;
const work = mkdtempSync(join(here, 'built-')); // beside node_modules, where imports are found
after(() => rmSync(work, { recursive: true }));

test('HubSpot: the project names what is there, reads contacts alone, and may call nobody', () => {
  const json = (path) => JSON.parse(readFileSync(join(root, 'deploy/hubspot', path), 'utf8'));
  const app = json('src/app/app-hsmeta.json').config;
  assert.deepEqual(app.auth.requiredScopes, ['crm.objects.contacts.read']);
  assert.deepEqual(app.permittedUrls, { fetch: [], iframe: [], img: [] });
  const card = json('src/app/cards/intent-card-hsmeta.json').config;
  assert.ok(readFileSync(join(root, 'deploy/hubspot/src', card.entrypoint)).length > 0);
  const tested = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8')).devDependencies;
  for (const [name, version] of Object.entries(json('src/app/cards/package.json').dependencies)) assert.equal(tested[name], version, name);
});

test('HubSpot: the card shows score, parts, time left and verdict', async () => {
  const out = join(work, 'hubspot.mjs');
  await build({ entryPoints: [join(root, 'deploy/hubspot/src/app/cards/IntentCard.jsx')], bundle: true, format: 'esm', packages: 'external', outfile: out, logLevel: 'silent' });
  globalThis.self ??= globalThis;
  globalThis.extend_V2 ??= () => {}; // what HubSpot's frame offers
  const { createElement } = await import('react');
  const { ProgressBar, StatusTag } = await import('@hubspot/ui-extensions');
  const { createRenderer } = await import('@hubspot/ui-extensions/testing');
  const { IntentCard } = await import(out);
  const shown = (properties, props = {}, state = {}) => {
    const renderer = createRenderer('crm.record.sidebar');
    renderer.mocks.useCrmProperties.willCall((names) => ({
      properties: Object.fromEntries(names.map((n) => [n, properties[n.replace('intent_', '')] ?? null])), isLoading: false, isRefetching: false, error: null, refetch: async () => {}, ...state,
    }));
    renderer.render(createElement(IntentCard, { now: new Date('2026-11-21T09:30:00Z'), ...props }));
    return renderer;
  };
  for (const language of ['en', 'de']) {
    for (const name of ['formula, high by threshold', 'propensity, medium by threshold']) {
      const fields = person(name, language);
      const r = shown({ ...fields, verdict: 'interested' });
      const text = r.getRootNode().toString();
      assert.equal(r.findAll(ProgressBar).length, 3 + (fields.cools_on ? 1 : 0), name);
      assert.ok(text.includes(language === 'de' ? fields.score.replace('.', ',') : fields.score), text);
      assert.ok(text.includes(fields.headline) && text.includes(language === 'de' ? 'interessiert' : 'interested'), text);
    }
  }
  assert.equal(shown(person('formula, high by threshold', 'en')).find(StatusTag).props.variant, 'success');
  assert.ok(shown({}, { locale: 'de' }).getRootNode().toString().includes('noch nicht bewertet'));
  assert.ok(shown({}, {}, { error: new Error('no') }).getRootNode().toString().includes('cannot be read'));
  assert.ok(shown({}, {}, { isLoading: true }).getRootNode().toString().includes('LoadingSpinner'));
});

/** The component with what Salesforce offers it: the record comes from globalThis.record. */
async function lightning() {
  const lwc = join(root, 'deploy/salesforce/force-app/main/default/lwc');
  const stubs = {
    // The engine renders at once and tells what is asked for only then.
    'lightning/uiRecordApi': `export class getRecord { constructor(told) { this.told = told; } connect() { this.told(globalThis.record); } disconnect() {}
      update(config) { globalThis.asked = config; } }`,
    '@salesforce/i18n/lang': 'export default "en-US"',
    'lightning/card': `import { LightningElement, api } from 'lwc'; import html from './card.html';
      export default class Card extends LightningElement { @api title; @api iconName; }`,
    'card.html': '<template><slot></slot></template>',
  };
  const compile = (source, namespace, name, filename) => {
    const { code, warnings } = transformSync(source, filename, { namespace, name, scopedStyles: false });
    assert.deepEqual(warnings?.filter((w) => w.level < 2) ?? [], []);
    return { contents: code, resolveDir: here };
  };
  const plugin = {
    name: 'lwc',
    setup(b) {
      b.onResolve({ filter: /^(c|lightning|@salesforce)\/|\.html|\.css|^\.\/card/ }, ({ path, importer }) => {
        const [, c] = path.match(/^c\/(\w+)$/) ?? [];
        if (c) return { path: join(lwc, c, `${c}.js`), namespace: 'lwc' };
        if (stubs[path]) return { path, namespace: 'stub' };
        if (importer.startsWith('lightning/card') || path.includes('card.html') && !importer.includes(lwc)) return { path: path.replace('./', ''), namespace: 'stub' };
        return { path: join(lwc, 'intentCard', path.replace('./', '')), namespace: 'lwc' };
      });
      b.onResolve({ filter: /^(lwc|@lwc\/.*)$/ }, () => ({ path: import.meta.resolve('@lwc/engine-server'), external: true }));
      b.onLoad({ filter: /.*/, namespace: 'lwc' }, ({ path }) => {
        if (path.includes('?') || !readdirSync(join(path, '..')).includes(path.split('/').pop())) return { contents: 'export default undefined' };
        return compile(readFileSync(path, 'utf8'), 'c', path.split('/').at(-2), path.split('/').pop());
      });
      b.onLoad({ filter: /.*/, namespace: 'stub' }, ({ path }) => {
        if (path === 'lightning/card') return compile(stubs[path], 'lightning', 'card', 'card.js');
        if (path === 'card.html') return compile(stubs[path], 'lightning', 'card', path);
        return { contents: stubs[path] ?? 'export default undefined' };
      });
    },
  };
  const out = join(work, 'salesforce.mjs');
  await build({ stdin: { contents: 'export { default } from "c/intentCard"', resolveDir: here }, bundle: true, format: 'esm', outfile: out, plugins: [plugin], logLevel: 'silent' });
  return (await import(out)).default;
}

test('Salesforce: the component shows score, parts, time left and verdict, and asks for its own fields alone', async () => {
  const { renderComponent } = await import('@lwc/engine-server');
  const IntentCard = await lightning();
  const api = (canonical) => `Intent_${canonical.split('_').map((w) => w[0].toUpperCase() + w.slice(1)).join('_')}__c`;
  const shown = async (object, told) => {
    globalThis.record = told;
    const html = renderComponent('c-intent-card', IntentCard, { recordId: '00Q5g00000A1B2CEAV', objectApiName: object }).replace(/<!--.*?-->/g, '');
    await new Promise(setImmediate);
    return html;
  };
  const record = (fields) => ({ data: { fields: Object.fromEntries(Object.entries(fields).map(([k, v]) => [api(k), { value: k === 'score' && v !== '' ? Number(v) : v || null }])) } });
  for (const language of ['en', 'de']) {
    for (const name of ['formula, high by threshold', 'propensity, medium by threshold']) {
      const fields = person(name, language);
      const html = await shown('Lead', record({ ...fields, verdict: 'wrong_person' }));
      assert.equal(html.split('class="part"').length - 1, 3, html);
      assert.ok(html.includes(language === 'de' ? fields.score.replace('.', ',') : fields.score));
      assert.equal(html.includes('class="gone"'), fields.cools_on !== '');
      assert.ok(html.includes(language === 'de' ? 'falsche Person' : 'wrong person') && html.includes(`lang="${language}"`), html);
    }
  }
  assert.equal(globalThis.asked.optionalFields.length, 7);
  assert.ok(globalThis.asked.optionalFields.every((f) => /^Lead\.Intent_\w+__c$/.test(f)), String(globalThis.asked.optionalFields));
  await shown('Contact', record({}));
  assert.ok(globalThis.asked.optionalFields.every((f) => f.startsWith('Contact.')));
  assert.ok((await shown('Lead', record({}))).includes('has not scored'));
  assert.ok((await shown('Lead', { error: { status: 403 } })).includes('cannot be read'));
  const hostile = await shown('Lead', record({ score: '12.0', tier: 'low', headline: '<script>alert(1)</script>', reasons: 'Raises: <img src=x>.' }));
  assert.ok(!hostile.includes('<script>') && !hostile.includes('<img'), hostile);
});

test('neither project reaches for a network, or writes', () => {
  for (const dir of ['deploy/hubspot/src/app/cards', 'deploy/salesforce/force-app/main/default/lwc/intentCard', 'deploy/salesforce/force-app/main/default/lwc/intentReasons']) {
    for (const name of readdirSync(join(root, dir)).filter((n) => /\.(jsx?|html)$/.test(n))) {
      assert.doesNotMatch(readFileSync(join(root, dir, name), 'utf8'), /fetch\(|XMLHttpRequest|https?:\/\/|updateRecord|apex|innerHTML|eval\(/i, name);
    }
  }
});
