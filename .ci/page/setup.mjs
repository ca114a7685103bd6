// The set-up page, in both languages, from the questions to the plan: what intentd alone opens where there is no configuration.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { looks, open, skip } from './browser.mjs';

const { INTENTD } = process.env;
const started = [];
let browser, page, base, dir, crm;

// start runs a command and waits until it prints what is looked for.
function start(command, args, options, wanted) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ['pipe', 'pipe', 'inherit'] });
    started.push(child);
    let said = '';
    child.stdout.on('data', text => {
      said += text;
      const match = said.match(wanted);
      if (match) resolve(match[1]);
    });
    child.on('exit', code => reject(new Error(`${command} ended with ${code}: ${said}`)));
    child.on('error', reject);
  });
}

before(async () => {
  if (skip) return;
  dir = mkdtempSync(join(tmpdir(), 'intentd-setup-'));
  const { INTENTD_CONFIG, ...env } = process.env;
  crm = await start(INTENTD, ['sandbox', '--listen', '127.0.0.1:0', '--contacts', '60'], {}, /base_url: (\S+)/);
  // It asks in a browser only where somebody sits at a terminal.
  const link = await start('script', ['-qec', INTENTD, '/dev/null'], { cwd: dir, env }, /(http:\/\/127\S+)/);
  ({ browser, page } = await open());
  base = new URL(link).origin;
  await page.goto(link);
  await page.waitForSelector('#secret');
});
after(async () => {
  await browser?.close();
  for (const child of started) child.kill('SIGINT');
  if (dir) rmSync(dir, { recursive: true, force: true });
});

const asks = lang => async ready => {
  await ready(page);
  await page.goto(`${base}/?lang=${lang}`);
  return page;
};
for (const lang of ['en', 'de']) looks(`setup-${lang}`, asks(lang));

test('the key is tried, and the plan shown; nothing is written', { skip }, async () => {
  await page.goto(`${base}/?lang=en`);
  await page.$eval('#url', (e, url) => { e.value = url; }, crm);
  await page.type('#secret', 'pat-na1-sandbox');
  await Promise.all([page.waitForSelector('#plan'), page.click('form.setup .btn')]);
  assert.match(await page.$eval('#plan dd data', e => e.value), /^60$/);
  assert.ok((await page.$$('form[action="/write"] .btn')).length === 1, 'there is no button that writes');
  assert.deepEqual(readdirSync(dir), []);
});
for (const lang of ['en', 'de']) looks(`plan-${lang}`, asks(lang));

test('the press makes the fields, writes and goes on as the daemon', { skip }, async () => {
  await page.goto(`${base}/?lang=en`);
  await Promise.all([page.waitForSelector('a.btn'), page.click('form[action="/write"] .btn')]);
  assert.ok(readdirSync(dir).includes('intentd.yaml'));
});
for (const lang of ['en', 'de']) looks(`runs-${lang}`, asks(lang));
