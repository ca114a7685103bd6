// Every page of a running demo, as a browser shows it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { looks, open, skip } from './browser.mjs';

const { INTENTD, INTENTD_CONFIG, PAGE_LINK } = process.env;
const ask = (...args) => {
  try {
    return JSON.parse(execFileSync(INTENTD, ['-c', INTENTD_CONFIG, '--json', ...args], { encoding: 'utf8' }));
  } catch (e) { // 3 is: done, and something is degraded
    if (e.status === 3) return JSON.parse(e.stdout);
    throw e;
  }
};

let browser, page, base;

before(async () => {
  if (skip) return;
  ({ browser, page } = await open());
  base = new URL(PAGE_LINK).origin;
  await page.goto(PAGE_LINK);
  await page.waitForSelector('#people');
});
after(() => browser?.close());

const pages = { overview: '/', people: '/people', person: '/person/p1', find: '/person', sources: '/sources?rules=1', effects: '/effects', trouble: '/trouble?examine=1' };
for (const [name, path] of Object.entries(pages)) {
  looks(name, async ready => {
    await ready(page);
    await page.goto(base + path);
    return page;
  });
}

test('the numbers are those of --json', { skip }, async () => {
  const number = async selector => Number(await page.$eval(selector, e => e.value));
  await page.goto(base + '/');
  assert.equal(await number('#people'), ask('status').people);
  await page.goto(base + '/people');
  const shown = await page.$$eval('tr[data-person]', rows => rows.map(r => [r.dataset.person, Number(r.querySelector('data.score')?.value ?? 0)]));
  assert.deepEqual(shown, ask('people').people.map(p => [p.person, p.score]));
  await page.goto(base + '/sources');
  const status = ask('status');
  for (const [name, c] of Object.entries(status.connectors)) {
    if (!c.intake) continue;
    assert.equal(await number(`data.events[data-of="${name}"]`), c.intake.events);
    const events = status.hours.slice(-48).reduce((n, h) => n + (h.jobs[`listen/${name}`]?.events ?? 0), 0);
    assert.equal(await page.$$eval(`.hours[data-job="listen/${name}"]`, charts => charts.reduce((n, c) => n + Number(c.dataset.good), 0)), events);
  }
  const person = ask('explain', 'p1');
  await page.goto(base + '/person/p1');
  assert.equal(await number('#score'), person.parts.score);
  assert.deepEqual(await page.$$eval('data.part', parts => parts.map(p => Number(p.value)).reduce((a, b) => a + b, 0)), person.parts.score);
});
