// jsforce, the Node client most programs written for Salesforce use, and Salesforce's own CLI against a running sandbox. It needs SALESFORCE_URL,
// changes the org it is pointed at, and refuses to run against Salesforce itself. The app and its user are those of a sandbox
// with its ordinary settings unless SALESFORCE_CLIENT_ID, SALESFORCE_CLIENT_SECRET, SALESFORCE_USERNAME and
// SALESFORCE_REFRESH_TOKEN say otherwise; without the last one, refreshing is not checked.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createSign, generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import jsforce from 'jsforce';

const url = process.env.SALESFORCE_URL;
if (!url) {
  throw new Error('SALESFORCE_URL must say where the sandbox is');
}
if (/(^|\.)(sales|cloud)?force\.com$/.test(new URL(url).hostname)) {
  throw new Error('these checks write: point them at a sandbox, not at Salesforce');
}
const {
  SALESFORCE_CLIENT_ID: clientId = 'sandbox-client', SALESFORCE_CLIENT_SECRET: clientSecret = 'sandbox-secret',
  SALESFORCE_USERNAME: username = 'integration@sandbox.example', SALESFORCE_REFRESH_TOKEN: refreshToken,
} = process.env;

const version = '67.0';
const run = Date.now().toString(36);
const options = { loginUrl: url, instanceUrl: url, version, oauth2: { loginUrl: url, clientId, clientSecret } };
const many = (n, of) => Array.from({ length: n }, (_, i) => of(i));
const wire = (ms) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');

async function thrown(call) {
  try {
    await call();
  } catch (e) {
    return e;
  }
  assert.fail('the call succeeded');
}

async function connect() {
  const conn = new jsforce.Connection(options);
  await conn.authorize({ grant_type: 'client_credentials' });
  return conn;
}

function assertion(claims = {}) {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const part = (o) => Buffer.from(JSON.stringify(o)).toString('base64url');
  const body = `${part({ alg: 'RS256' })}.${part({ iss: clientId, sub: username, aud: 'https://login.salesforce.com', exp: Math.floor(Date.now() / 1000) + 170, ...claims })}`;
  return `${body}.${createSign('RSA-SHA256').update(body).sign(privateKey).toString('base64url')}`;
}

describe('jsforce: tokens', () => {
  const grant = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

  it('are given for client credentials', async () => {
    const conn = new jsforce.Connection(options);
    const user = await conn.authorize({ grant_type: 'client_credentials' });
    assert.match(user.organizationId, /^00D\w{15}$/);
    assert.match(user.id, /^005\w{15}$/);
    const bad = new jsforce.Connection({ ...options, oauth2: { ...options.oauth2, clientSecret: 'wrong' } });
    assert.match((await thrown(() => bad.authorize({ grant_type: 'client_credentials' }))).message, /invalid client credentials/);
  });

  it('are given for a JWT', async () => {
    const conn = new jsforce.Connection(options);
    await conn.authorize({ grant_type: grant, assertion: assertion() });
    const identity = await conn.identity();
    assert.equal(identity.username, username);
    assert.equal(identity.organization_id, conn.userInfo.organizationId);
    assert.match((await thrown(() => new jsforce.Connection(options).authorize({ grant_type: grant, assertion: assertion({ sub: 'nobody@sandbox.example' }) }))).message, /hasn't approved this consumer/);
    assert.match((await thrown(() => new jsforce.Connection(options).authorize({ grant_type: grant, assertion: assertion({ aud: url }) }))).message, /audience is invalid/);
  });

  it('are refreshed once a session has ended', { skip: !refreshToken }, async () => {
    const conn = new jsforce.Connection({ ...options, accessToken: `${'0'.repeat(15)}!ended`, refreshToken });
    let refreshed = 0;
    conn.on('refresh', () => { refreshed++; });
    const found = await conn.query('SELECT Id FROM Organization');
    assert.equal(found.totalSize, 1);
    assert.equal(refreshed, 1);
  });

  it('end when they are revoked', async () => {
    const conn = await connect();
    await conn.logout();
    const other = new jsforce.Connection({ instanceUrl: url, version, accessToken: conn.accessToken ?? 'none' });
    assert.equal((await thrown(() => other.query('SELECT Id FROM Lead LIMIT 1'))).errorCode, 'INVALID_SESSION_ID');
  });
});

describe('jsforce: records', () => {
  let conn;
  let ids;

  before(async () => {
    conn = await connect();
    const made = await conn.sobject('Lead').create(many(150, (i) => ({ LastName: `Client ${run}`, FirstName: `No ${i}`, Company: `Check ${run}`, Email: `client.${run}.${i}@check.example` })));
    assert.ok(made.every((r) => r.success), JSON.stringify(made.find((r) => !r.success)));
    ids = made.map((r) => r.id);
    assert.equal(new Set(ids).size, 150);
  });

  it('tell the limits with every answer', async () => {
    await conn.query('SELECT Id FROM Lead LIMIT 1');
    const { used, limit } = conn.limitInfo.apiUsage;
    assert.ok(used > 0 && limit >= used);
    const { DailyApiRequests: daily } = await conn.limits();
    assert.equal(daily.Max, limit);
    assert.ok(daily.Remaining < limit);
  });

  it('are queried page by page', async () => {
    const first = await conn.query('SELECT Id, Name, Owner.Name FROM Lead ORDER BY SystemModstamp, Id', { autoFetch: false, headers: { 'Sforce-Query-Options': 'batchSize=200' } });
    assert.equal(first.done, false);
    assert.equal(first.records.length, 200);
    assert.match(new URL(first.nextRecordsUrl, url).pathname, /^\/services\/data\/v67\.0\/query\/01g\w+-200$/);
    assert.ok(first.records[0].Owner.Name && first.records[0].attributes.type === 'Lead');
    const second = await conn.queryMore(first.nextRecordsUrl);
    assert.equal(second.records.length, Math.min(200, first.totalSize - 200));
    const all = [];
    await new Promise((resolve, reject) => {
      conn.query('SELECT Id FROM Lead').on('record', (r) => all.push(r.Id)).on('end', resolve).on('error', reject).run({ autoFetch: true, maxFetch: 100_000 });
    });
    assert.equal(all.length, first.totalSize);
    const { totalSize } = await conn.query('SELECT COUNT() FROM Lead');
    assert.equal(totalSize, first.totalSize);
  });

  it('are found by what jsforce builds of conditions', async () => {
    const found = await conn.sobject('Lead').find({ Company: `check ${run}`, FirstName: { $like: 'No 1%' }, IsConverted: false, CreatedDate: { $gte: jsforce.SfDate.YESTERDAY } }, ['Id', 'FirstName']).sort({ FirstName: -1 }).limit(5);
    assert.equal(found.length, 5);
    assert.equal(found[0].FirstName, 'No 19');
    const some = await conn.sobject('Lead').find({ Id: { $in: ids.slice(0, 3) } }, 'Id, Email');
    assert.deepEqual(some.map((r) => r.Id), ids.slice(0, 3));
    assert.equal(await conn.sobject('Lead').count({ Company: `Check ${run}` }), 150);
  });

  it('are walked by stamp and id without a gap', async () => {
    const [{ SystemModstamp: from }] = (await conn.query(`SELECT SystemModstamp FROM Lead WHERE Id = '${ids[0]}'`)).records;
    const at = (stamp) => stamp.replace('.000+0000', 'Z');
    const met = [];
    for (let stamp = at(from), id = '000000000000000'; ;) {
      const { records } = await conn.query(`SELECT Id, SystemModstamp FROM Lead WHERE (SystemModstamp = ${stamp} AND Id > '${id}') OR SystemModstamp > ${stamp} ORDER BY SystemModstamp, Id LIMIT 40`);
      met.push(...records.map((r) => r.Id));
      if (records.length < 40) break;
      ({ Id: id, SystemModstamp: stamp } = records.at(-1));
      stamp = at(stamp);
    }
    assert.equal(new Set(met).size, met.length);
    assert.ok(ids.every((id) => met.includes(id)));
  });

  it('are updated with one result each', async () => {
    const missing = `${ids[0].slice(0, 12)}zzz`;
    const results = await conn.sobject('Lead').update([{ Id: ids[0], Title: 'Buyer' }, { Id: missing, Title: 'Buyer' }, { Id: ids[1], Title: 'x'.repeat(129) }, { Id: ids[2].slice(0, 15), Title: 'Short id' }]);
    assert.deepEqual(results.map((r) => r.success), [true, false, false, true]);
    assert.equal(results[1].errors[0].errorCode ?? results[1].errors[0].statusCode, 'INVALID_CROSS_REFERENCE_KEY');
    assert.equal(results[2].errors[0].errorCode ?? results[2].errors[0].statusCode, 'STRING_TOO_LONG');
    const read = await conn.sobject('Lead').retrieve([ids[2], ids[0]], { fields: ['Title'] });
    assert.deepEqual(read.map((r) => r.Title), ['Short id', 'Buyer']);
    const none = await conn.sobject('Lead').update([{ Id: ids[0], Title: 'Nobody' }, { Id: ids[1], NoSuchField: 1 }], { allOrNone: true });
    assert.deepEqual(none.map((r) => r.success), [false, false]);
    assert.equal((await conn.sobject('Lead').retrieve(ids[0])).Title, 'Buyer');
  });

  it('are updated and deleted one by one, and then told as such', async () => {
    const lead = conn.sobject('Lead');
    assert.equal((await lead.update({ Id: ids[3], Title: 'Alone' })).success, true);
    assert.equal((await lead.destroy(ids[149])).success, true);
    const gone = await thrown(() => lead.retrieve(ids[149]));
    assert.equal(gone.errorCode, 'ENTITY_IS_DELETED');
    const start = wire(Date.now() - 3_600_000);
    const end = wire(Date.now() + 60_000);
    const updated = await lead.updated(start, end);
    assert.ok(updated.ids.includes(ids[3]) && !updated.ids.includes(ids[149]));
    assert.ok(Date.parse(updated.latestDateCovered) <= Date.now());
    const deleted = await lead.deleted(start, end);
    assert.ok(deleted.deletedRecords.some((r) => r.id === ids[149] && Date.parse(r.deletedDate) > 0));
    const bin = await conn.query(`SELECT Id FROM Lead WHERE Id = '${ids[149]}' AND IsDeleted = true`, { scanAll: true });
    assert.equal(bin.totalSize, 1);
    assert.equal((await thrown(() => lead.updated(end, start))).errorCode, 'INVALID_REPLICATION_DATE');
  });

  it('say what is wrong with a query', async () => {
    for (const [soql, code] of [
      ['SELECT Id FROM Lead WHERE', 'MALFORMED_QUERY'], ['SELECT Nothing__c FROM Lead', 'INVALID_FIELD'], ['SELECT Id FROM Unicorn', 'INVALID_TYPE'],
      ["SELECT Id FROM Lead WHERE CreatedDate > '2026-01-01'", 'INVALID_FIELD'], ["SELECT Id FROM Lead WHERE Name = 'a' OR Name = 'b' AND Name = 'c'", 'MALFORMED_QUERY'],
    ]) {
      assert.equal((await thrown(() => conn.query(soql))).errorCode, code, soql);
    }
    assert.equal((await thrown(() => conn.queryMore('01g5g0000000001AAA-200'))).errorCode, 'INVALID_QUERY_LOCATOR');
  });

  it('have fields that stay hidden until a permission set shows them', async () => {
    const name = `Check_${run}__c`;
    const made = await conn.tooling.sobject('CustomField').create({ FullName: `Lead.${name}`, Metadata: { label: `Check ${run}`, type: 'Number', precision: 5, scale: 2, description: 'Made by a check' } });
    assert.equal(made.success, true);
    const described = async () => (await conn.sobject('Lead').describe()).fields.find((f) => f.name === name);
    assert.equal(await described(), undefined);
    const [hidden] = await conn.sobject('Lead').update([{ Id: ids[4], [name]: 64.4 }]);
    assert.equal(hidden.errors[0].errorCode ?? hidden.errors[0].statusCode, 'INVALID_FIELD');
    const set = await conn.sobject('PermissionSet').create({ Name: `Check_${run}`, Label: `Check ${run}` });
    await conn.sobject('FieldPermissions').create({ ParentId: set.id, SobjectType: 'Lead', Field: `Lead.${name}`, PermissionsRead: true, PermissionsEdit: true });
    const assign = () => conn.sobject('PermissionSetAssignment').create({ AssigneeId: conn.userInfo.id, PermissionSetId: set.id });
    await assign();
    assert.equal((await thrown(assign)).errorCode, 'DUPLICATE_VALUE');
    const field = await described();
    assert.ok(field.updateable && field.custom && field.precision === 5 && field.scale === 2);
    assert.equal((await conn.sobject('Lead').update([{ Id: ids[4], [name]: 64.4 }]))[0].success, true);
    assert.equal((await conn.sobject('Lead').retrieve(ids[4]))[name], 64.4);
    const known = await conn.tooling.query(`SELECT Id, DeveloperName, Description FROM CustomField WHERE DeveloperName = 'Check_${run}'`);
    assert.equal(known.records[0].Description, 'Made by a check');
    assert.equal((await conn.tooling.sobject('CustomField').destroy(made.id)).success, true);
    assert.equal(await described(), undefined);
  });

  it('are updated in bulk', async () => {
    const job = conn.bulk2.createJob({ object: 'Lead', operation: 'update' });
    const info = await job.open();
    assert.equal(info.state, 'Open');
    assert.doesNotMatch(info.contentUrl, /^\//);
    await job.uploadData([...ids.slice(10, 20).map((Id) => ({ Id, Title: 'In "bulk"' })), { Id: ids[149], Title: 'Deleted' }]);
    await job.close();
    await job.poll(20, 10_000);
    assert.equal(job.id, info.id);
    const { state, numberRecordsProcessed, numberRecordsFailed } = await job.check();
    assert.deepEqual([state, numberRecordsProcessed, numberRecordsFailed], ['JobComplete', 11, 1]);
    const { successfulResults, failedResults, unprocessedRecords } = await job.getAllResults();
    assert.deepEqual(successfulResults.map((r) => r.sf__Id), ids.slice(10, 20));
    assert.match(failedResults[0].sf__Error, /^ENTITY_IS_DELETED:/);
    assert.equal(unprocessedRecords.length, 0);
    assert.equal((await conn.sobject('Lead').retrieve(ids[12])).Title, 'In "bulk"');
  });

  it('are queried in bulk', async () => {
    conn.bulk2.pollInterval = 20;
    const rows = [];
    const stream = await conn.bulk2.query(`SELECT Id, Name, Owner.Name FROM Lead WHERE Company = 'Check ${run}'`);
    await new Promise((resolve, reject) => { stream.on('record', (r) => rows.push(r)).on('end', resolve).on('error', reject); });
    assert.equal(rows.length, 149);
    assert.ok(rows[0]['Owner.Name']);
  });

  it('are aborted in bulk', async () => {
    const job = conn.bulk2.createJob({ object: 'Lead', operation: 'update' });
    await job.open();
    await job.uploadData([{ Id: ids[30], Title: 'Never' }]);
    await job.abort();
    assert.equal((await job.check()).state, 'Aborted');
    assert.equal((await job.getUnprocessedRecords()).length, 1);
    await job.delete();
  });
});

describe("Salesforce's CLI", () => {
  it('signs in and shows what a query finds in columns', async (t) => {
    const home = await mkdtemp(join(tmpdir(), 'sf-'));
    t.after(() => rm(home, { recursive: true, force: true }));
    const { accessToken } = await connect();
    const quiet = { SF_DISABLE_TELEMETRY: 'true', SF_AUTOUPDATE_DISABLE: 'true', SF_SKIP_NEW_VERSION_CHECK: 'true', SF_USE_GENERIC_UNIX_KEYCHAIN: 'true' };
    const sf = async (...args) => {
      const { stdout } = await promisify(execFile)(join(import.meta.dirname, 'node_modules', '.bin', 'sf'), args, { env: { ...process.env, ...quiet, HOME: home, SF_ACCESS_TOKEN: accessToken } });
      return stdout;
    };
    await sf('org', 'login', 'access-token', '--instance-url', url, '--no-prompt', '--alias', 'box');
    const found = await sf('data', 'query', '--target-org', 'box', '--result-format', 'csv', '--query', 'SELECT Id, Owner.Name, IsConverted FROM Lead ORDER BY LastName LIMIT 3');
    const [header, ...rows] = found.trim().split('\n');
    assert.equal(header, 'Id,Owner.Name,IsConverted');
    assert.equal(rows.length, 3);
    assert.match(rows[0], /^00Q\w{15},\w+ \w+,false$/);
  });
});
