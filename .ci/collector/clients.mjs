// The clients that trackers' vendors publish, and the script of our own, against a daemon with a collector and a sandbox CRM: what they send
// arrives, counts for the right people, and no earlier than it may.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { jitsuAnalytics } from '@jitsu/js';
import RudderAnalytics from '@rudderstack/rudder-sdk-node';
import { Analytics } from '@segment/analytics-node';

const intentd = process.env.INTENTD;
if (!intentd) throw new Error('INTENTD must name the binary of intentd');

const siteKey = 'site-write-key';
const serverKey = 'server-write-key-0123456789';
const jitsuKey = 'jitsu:write-key-0123456789'; // its client wants two parts
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const consent = { consent: { categoryPreferences: { analytics: true } } };
const run = promisify(execFile);

let dir, config, crm, url, printed;
const children = [];

// start runs intentd until what it prints fits, and returns the match.
function start(pattern, ...args) {
  return new Promise((resolve, reject) => {
    const child = spawn(intentd, args, { cwd: dir });
    children.push(child);
    let text = '';
    const look = (chunk) => {
      text += chunk;
      const m = pattern.exec(text);
      printed = text;
      if (m) resolve(m);
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.on('exit', (code) => reject(new Error(`intentd ${args[0]} ended with ${code}: ${text}`)));
  });
}

const command = async (...args) => (await run(intentd, [...args, '-c', config], { cwd: dir })).stdout;
const intake = async () => JSON.parse(await command('status', '--json').catch((e) => e.stdout)).connectors.web.intake;

// until waits for what holds, and returns it with the time it took.
async function until(what, look, ms = 10000) {
  const begin = performance.now();
  for (;;) {
    const got = await look();
    if (got) return { got, ms: performance.now() - begin };
    assert.ok(performance.now() - begin < ms, `${what}: not within ${ms} ms`);
    await pause(20);
  }
}

async function hubspot(method, at, body) {
  const r = await fetch(crm.url + at, { method, headers: { authorization: `Bearer ${crm.token}`, 'content-type': 'application/json' }, body: body && JSON.stringify(body) });
  assert.ok(r.ok, `${method} ${at}: ${r.status}`);
  return r.json();
}

// contacts are the records of those who are met, by the name in their address; the daemon finds them when it starts.
const contacts = {};
const address = (name) => `${name}@one.example`;
const quick = Array.from({ length: 20 }, (_, i) => `quick${i}`);

const score = async (id) => (await hubspot('GET', `/crm/v3/objects/contacts/${id}?properties=intent_score`)).properties.intent_score;
const scored = (id) => until(`a score of ${id}`, () => score(id));
const events = async (email) => JSON.parse(await command('export', email, '--json')).events;
const segment = (writeKey) => new Analytics({ writeKey, host: url, flushAt: 20 });

before(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'ic'));
  config = path.join(dir, 'config.yaml');
  const m = await start(/base_url: (\S+)\s+token: (\S+)[\s\S]*stop with/, 'sandbox', '--crm', 'hubspot', '--listen', '127.0.0.1:0', '--contacts', '0', '--unlimited');
  crm = { url: m[1], token: m[2] };
  await writeFile(config, `
state: {path: ./s.db}
http: {listen: ""}
crms: [{name: hubspot, type: hubspot, base_url: "${crm.url}", token: "${crm.token}", poll: "@every 10s", engagement: "off"}]
sources: [{name: web, type: collector, listen: "127.0.0.1:0", write_keys: [{key: ${siteKey}}, {key: ${serverKey}, trusted: true}, {key: "${jitsuKey}", trusted: true}]}]
privacy: {own_hosts: [www.example.com, 127.0.0.1]}
`);
  await command('provision', '--apply');
  for (const name of ['segment', 'rudder', 'jitsu', 'browser', 'own', ...quick]) {
    contacts[name] = (await hubspot('POST', '/crm/v3/objects/contacts', { properties: { email: address(name) } })).id;
  }
  await start(/the first sync has met everybody/, 'run', '-c', config).then(() => {}, assert.fail);
  url = `http://${/listens for events.*address=(\S+)/.exec(printed)[1]}`;
});

after(async () => {
  for (const child of children) child.kill();
  await pause(500);
  await rm(dir, { recursive: true, force: true });
});

describe('server clients', () => {
  it('@segment/analytics-node: a visitor is known once a server says so', async () => {
    const id = contacts.segment;
    const site = segment(siteKey);
    site.page({ anonymousId: 'seg-1', properties: { url: 'https://www.example.com/pricing', title: 'Prices' }, context: consent });
    site.identify({ anonymousId: 'seg-1', userId: '7', traits: { email: address('segment') }, context: consent });
    await site.closeAndFlush();
    await pause(1500);
    assert.equal(await score(id), null, 'what the site says of who somebody is counts by itself');
    assert.equal((await intake()).proposed, 2, 'an address and a user id');
    const server = segment(serverKey);
    server.identify({ anonymousId: 'seg-1', userId: '7', traits: { email: address('segment') } });
    server.track({ userId: '7', event: 'Demo Requested', properties: { form: 'Demo' } });
    await server.closeAndFlush();
    await scored(id);
    const told = await events(address('segment'));
    assert.ok(told.some((e) => e.URL === 'https://www.example.com/pricing' && e.Kind === 'page_view'), JSON.stringify(told));
  });

  it('@rudderstack/rudder-sdk-node, packed as it sends by default', async () => {
    const id = contacts.rudder;
    const client = new RudderAnalytics(serverKey, { dataPlaneUrl: url, flushAt: 20 });
    client.identify({ userId: '8', traits: { email: address('rudder') } });
    client.track({ userId: '8', event: 'Trial Started', timestamp: new Date(Date.now() - 60000) });
    client.screen({ userId: '8', name: 'Prices' });
    await new Promise((resolve) => client.flush(resolve));
    await scored(id);
    assert.equal((await events(address('rudder'))).length, 3);
  });

  it('@jitsu/js', async () => {
    const id = contacts.jitsu;
    const client = jitsuAnalytics({ host: url, writeKey: jitsuKey });
    await client.identify('9', { email: address('jitsu') });
    await client.track('Order Completed', { value: 10 });
    await client.page({ url: 'https://www.example.com/order' });
    await scored(id);
    assert.equal((await events(address('jitsu'))).length, 3);
  });

  it('a key that is not known is refused, and counted', async () => {
    const errors = [];
    const client = new Analytics({ writeKey: 'wrong', host: url, maxRetries: 0 });
    client.on('error', (e) => errors.push(e));
    client.track({ userId: '7', event: 'Demo Requested' });
    await client.closeAndFlush();
    assert.equal(errors.length, 1);
    assert.equal((await intake()).unreadable['write key not known'], 1);
  });

  it('whom a server names is in the CRM within seconds', async (t) => {
    const took = [];
    for (const name of quick) {
      const server = segment(serverKey);
      server.page({ anonymousId: name, properties: { url: 'https://www.example.com/pricing' }, context: consent });
      server.identify({ anonymousId: name, userId: name, traits: { email: address(name) } });
      await server.closeAndFlush();
      took.push((await scored(contacts[name])).ms);
    }
    took.sort((a, b) => a - b);
    t.diagnostic(`identify to CRM, 20 people: median ${Math.round(took[9])} ms, p95 ${Math.round(took[18])} ms`);
    assert.ok(took[9] < 5000);
  });
});

// chromium is where a browser is, if there is one.
async function chromium() {
  for (const name of [process.env.CHROMIUM, 'chromium', 'chromium-browser', 'google-chrome'].filter(Boolean)) {
    if (await run(name, ['--version']).then(() => true, () => false)) return name;
  }
}

describe('in a browser', async () => {
  const browser = await chromium();
  const skip = browser ? false : 'no Chromium was found: what runs in a browser is not checked';
  const umd = path.join(path.dirname(createRequire(import.meta.url).resolve('@segment/analytics-next/package.json')), 'dist/umd');

  // A headless browser says so, and is taken for the machine that it is.
  const agent = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36';

  // visit opens a page with a script in it, and returns what the script reports.
  async function visit(head, script) {
    let told;
    const reported = new Promise((resolve) => (told = resolve));
    const page = `<!doctype html><html><head><title>Prices</title>${head}</head><body>
<button id="more"><b>Show</b> more</button><form name="Contact sales" onsubmit="return false"><input name="secret" value="typed"><button>Send</button></form>
<script>(async () => { const pause = (ms) => new Promise((r) => setTimeout(r, ms)); let out; try { out = await (${script})() } catch (e) { out = { error: String(e && e.stack || e) } }
await fetch('/report', { method: 'POST', body: JSON.stringify(out) }) })()</script></body></html>`;
    const server = http.createServer(async (q, r) => {
      if (q.method === 'POST') {
        let body = '';
        for await (const chunk of q) body += chunk;
        r.end();
        told(JSON.parse(body));
      } else if (q.url.startsWith('/umd/')) {
        r.setHeader('content-type', 'text/javascript');
        r.end(await readFile(path.join(umd, path.basename(new URL(q.url, url).pathname))).catch(() => ''));
      } else {
        r.setHeader('content-type', 'text/html');
        r.end(page);
      }
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const profile = await mkdtemp(path.join(dir, 'browser'));
    const child = spawn(browser, ['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run', `--user-agent=${agent}`, `--user-data-dir=${profile}`, `http://127.0.0.1:${server.address().port}/pricing`], { stdio: 'ignore' });
    const late = setTimeout(() => told({ error: 'the browser did not report within 40 s' }), 40000);
    const out = await reported;
    clearTimeout(late);
    child.kill();
    server.close();
    server.closeAllConnections();
    assert.equal(out.error, undefined);
    return out;
  }

  it('@segment/analytics-next', { skip }, async () => {
    const id = contacts.browser;
    const out = await visit('<script src="/umd/index.js"></script>', `async () => {
      const [analytics] = await AnalyticsNext.AnalyticsBrowser.load({ writeKey: '${siteKey}', cdnURL: location.origin, cdnSettings: {
        integrations: { 'Segment.io': { apiKey: '${siteKey}', apiHost: '${new URL(url).host}/v1', protocol: 'http' } } } });
      await analytics.page({}, { context: ${JSON.stringify(consent)} });
      await analytics.identify('10', { email: '${address('browser')}' });
      await analytics.track('Demo Requested', { form: 'Demo' });
      await pause(1000);
      return { visitor: analytics.user().anonymousId() };
    }`);
    await pause(1500);
    assert.equal(await score(id), null);
    const server = segment(serverKey);
    server.identify({ anonymousId: out.visitor, userId: '10', traits: { email: address('browser') } });
    await server.closeAndFlush();
    await scored(id);
    const told = await events(address('browser'));
    assert.ok(told.some((e) => e.Kind === 'page_view' && e.PageTitle === 'Prices' && e.URL.endsWith('/pricing')), JSON.stringify(told));
    assert.ok(told.some((e) => e.Kind === 'Demo Requested' && e.UserID === '10'), JSON.stringify(told));
  });

  it('the script of our own: nothing before consent, then pages, clicks, forms without values, time spent; all gone when it is withdrawn', { skip }, async () => {
    const id = contacts.own;
    const before = await intake();
    const out = await visit(`<script src="${url}/intentd.js" data-key="${siteKey}"></script>`, `async () => {
      const stored = () => localStorage.length + sessionStorage.length + document.cookie.length;
      document.querySelector('#more b').click();
      document.querySelector('form button').click();
      await pause(1500);
      const out = { before: stored(), visitorBefore: intentd.id() || '' };
      intentd.consent(true);
      out.visitor = intentd.id();
      out.stored = localStorage.getItem('intentd');
      await pause(1200);
      document.querySelector('#more b').click();
      document.querySelector('form button').click();
      history.pushState({}, '', '/order');
      await pause(2500);
      return out;
    }`);
    assert.equal(out.before, 0, 'something is stored before consent');
    assert.equal(out.visitorBefore, '');
    assert.ok(out.visitor && out.stored === out.visitor);
    const server = segment(serverKey);
    server.identify({ anonymousId: out.visitor, userId: '11', traits: { email: address('own') } });
    await server.closeAndFlush();
    await scored(id);
    const told = await events(address('own'));
    const of = (kind) => told.filter((e) => e.Kind === kind);
    const seen = JSON.stringify(told);
    assert.equal(told.length, (await intake()).events - before.events, 'what was sent before consent would be among them');
    assert.deepEqual(of('page_view').map((e) => new URL(e.URL).pathname), ['/pricing', '/order'], seen);
    assert.ok(of('click').some((e) => e.ElementText === 'Show more' && e.ElementID === 'more'), seen);
    assert.equal(of('form_submit')[0]?.Properties?.form, 'Contact sales', seen);
    assert.ok(Number(of('dwell')[0]?.Properties?.seconds) >= 1, seen);
    assert.ok(!seen.includes('typed'), 'a value of a form was sent');
    assert.ok(told.filter((e) => e.Kind !== 'identify').every((e) => e.Consent === 'granted'), seen);
    // The same withdrawal as the script sends.
    const r = await fetch(`${url}/v1/batch`, { method: 'POST', body: JSON.stringify({ writeKey: siteKey, sentAt: new Date(), batch: [{
      type: 'track', event: 'consent', messageId: 'w1', anonymousId: out.visitor, timestamp: new Date(), context: { consent: { categoryPreferences: { analytics: false } } } }] }) });
    assert.equal(r.status, 200);
    await until('the score is gone', async () => !(await score(id)));
    assert.ok((await events(address('own'))).every((e) => e.Kind === 'consent' && e.Consent === 'denied'), 'more than the withdrawal is kept');
  });
});
