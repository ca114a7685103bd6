// A browser that is told what a page must be: as wide as its screen, without a script or a policy that fails, and readable to all.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import puppeteer from 'puppeteer-core';

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
export const skip = found ? false : 'no Chromium was found: the page is not looked at';

const wrong = []; // what the browser complained of

// open starts a browser with one page.
export async function open() {
  const browser = await puppeteer.launch({ executablePath: found, args: ['--no-sandbox', '--disable-gpu'] });
  const page = await browser.newPage();
  page.on('console', m => { if (m.type() === 'error' || m.type() === 'warn') wrong.push(m.text()); });
  page.on('pageerror', e => wrong.push(String(e)));
  await page.evaluateOnNewDocument(() => addEventListener('securitypolicyviolation', e => console.error(`policy: ${e.violatedDirective} ${e.blockedURI}`)));
  return { browser, page };
}

// looks tests a page as it is in light and dark, on a screen and on a phone; show has the browser go there, and gives it.
export function looks(name, show) {
  for (const scheme of ['light', 'dark']) {
    for (const width of [1280, 390]) {
      test(`${name}, ${scheme}, ${width} px`, { skip }, async () => {
        const page = await show(async page => {
          wrong.length = 0;
          await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
          await page.setViewport({ width, height: 900 });
        });
        if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/${name}-${scheme}-${width}.png`, fullPage: true });
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
