// Every page of a running demo, as a browser shows it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import puppeteer from 'puppeteer-core';

const { INTENTD, INTENTD_CONFIG, PAGE_LINK, SHOTS } = process.env;
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

function chromium() {
  for (const name of [process.env.CHROMIUM, 'chromium', 'chromium-browser', 'google-chrome'].filter(Boolean)) {
    try {
      return execFileSync('which', [name], { encoding: 'utf8' }).trim();
    } catch { /* the next */ }
  }
  return '';
}

const found = chromium();
const skip = found ? false : 'no Chromium was found: the page is not looked at';
const ask = (...args) => {
  try {
    return JSON.parse(execFileSync(INTENTD, ['-c', INTENTD_CONFIG, '--json', ...args], { encoding: 'utf8' }));
  } catch (e) { // 3 is: done, and something is degraded
    if (e.status === 3) return JSON.parse(e.stdout);
    throw e;
  }
};

let browser, page, base;
const wrong = []; // what the browser complained of

before(async () => {
  if (skip) return;
  browser = await puppeteer.launch({ executablePath: found, args: ['--no-sandbox', '--disable-gpu'] });
  page = await browser.newPage();
  page.on('console', m => { if (m.type() === 'error' || m.type() === 'warn') wrong.push(m.text()); });
  page.on('pageerror', e => wrong.push(String(e)));
  await page.evaluateOnNewDocument(() => addEventListener('securitypolicyviolation', e => console.error(`policy: ${e.violatedDirective} ${e.blockedURI}`)));
  base = new URL(PAGE_LINK).origin;
  await page.goto(PAGE_LINK);
  await page.waitForSelector('#people');
});
after(() => browser?.close());

const pages = { overview: '/', people: '/people', person: '/person/p1', find: '/person', sources: '/sources?rules=1', effects: '/effects', trouble: '/trouble?examine=1' };
for (const [name, path] of Object.entries(pages)) {
  for (const scheme of ['light', 'dark']) {
    for (const width of [1280, 390]) {
      test(`${name}, ${scheme}, ${width} px`, { skip }, async () => {
        wrong.length = 0;
        await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
        await page.setViewport({ width, height: 900 });
        await page.goto(base + path);
        if (SHOTS) await page.screenshot({ path: `${SHOTS}/${name}-${scheme}-${width}.png`, fullPage: true });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(wide <= width, `it is ${wide} px wide`);
        await page.evaluate(axe);
        const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
        const serious = violations.filter(v => v.impact === 'serious' || v.impact === 'critical');
        assert.deepEqual(serious.map(v => `${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map(n => `${n.html} ${n.failureSummary}`).join(' | ')}`), []);
        assert.deepEqual(wrong, []);
      });
    }
  }
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
