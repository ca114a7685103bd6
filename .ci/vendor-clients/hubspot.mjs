// HubSpot's own Node client against a running sandbox: whatever this client sends, finds and throws is what a program
// written for HubSpot would. It needs SANDBOX_URL and SANDBOX_TOKEN, changes the portal it is pointed at, and refuses to
// run against HubSpot itself.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { Client } from '@hubspot/api-client';

const url = process.env.SANDBOX_URL;
const accessToken = process.env.SANDBOX_TOKEN;
if (!url || !accessToken) {
  throw new Error('SANDBOX_URL and SANDBOX_TOKEN must say where the sandbox is');
}
if (/(^|\.)hub(api|spot)\.com$/.test(new URL(url).hostname)) {
  throw new Error('these checks write: point them at a sandbox, not at HubSpot');
}

const run = Date.now().toString(36);
const hubspot = new Client({ accessToken, basePath: url });
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// The client shares its limiter and retries between instances: what a client was made with last holds for calls of all. So
// each check of them makes its own client and the last line of it puts the plain one back.
const plain = () => new Client({ accessToken, basePath: url });

// thrown is the ApiException that a call ends in.
async function thrown(call) {
  try {
    await call();
  } catch (e) {
    assert.equal(e.constructor.name, 'ApiException', `${e}`);
    return e;
  }
  assert.fail('the call succeeded');
}

const sameMany = (n, of) => Array.from({ length: n }, (_, i) => of(i));

describe('HubSpot client', () => {
  let ids;

  before(async () => {
    const made = await hubspot.crm.contacts.batchApi.create({
      inputs: sameMany(25, (i) => ({
        properties: { email: `client.${run}.${i}@check.example`, firstname: `First ${i}`, company: `Check ${run}`, city: i % 2 ? 'Ulm' : 'Kiel' },
        associations: [],
      })),
    });
    assert.equal(made.status, 'COMPLETE');
    assert.equal(made.results.length, 25);
    ids = made.results.map((r) => r.id);
    await pause(1100);
  });

  it('tells the account', async () => {
    const response = await hubspot.apiRequest({ path: '/account-info/v3/details' });
    assert.equal(response.status, 200);
    const account = await response.json();
    assert.equal(typeof account.portalId, 'number');
    assert.ok(Intl.DateTimeFormat(undefined, { timeZone: account.timeZone }));
    assert.ok(Number(response.headers.get('x-hubspot-ratelimit-max')) > 0);
    assert.ok(Math.abs(Date.parse(response.headers.get('date')) - Date.now()) < 60_000);
  });

  it('searches, sorts and pages', async () => {
    const found = [];
    let after;
    do {
      const page = await hubspot.crm.contacts.searchApi.doSearch({
        filterGroups: [{ filters: [{ propertyName: 'company', operator: 'EQ', value: `Check ${run}` }] }],
        sorts: ['hs_object_id'],
        properties: ['email', 'jobtitle'],
        limit: 10,
        ...(after && { after }),
      });
      assert.equal(page.total, 25);
      found.push(...page.results);
      after = page.paging?.next?.after;
    } while (after);
    assert.deepEqual(found.map((r) => r.id), ids);
    assert.equal(found[3].properties.email, `client.${run}.3@check.example`);
    assert.equal(found[3].properties.jobtitle, null);
    assert.equal(found[3].properties.firstname, undefined);
    assert.ok(found[3].updatedAt instanceof Date && found[3].updatedAt >= found[3].createdAt);
    assert.equal(found[3].archived, false);
    await pause(1100);
  });

  it('searches a window of modification times by id', async () => {
    const first = await hubspot.crm.contacts.basicApi.getById(ids[0]);
    const page = await hubspot.crm.contacts.searchApi.doSearch({
      filterGroups: [{
        filters: [
          { propertyName: 'lastmodifieddate', operator: 'GTE', value: String(first.updatedAt.getTime()) },
          { propertyName: 'hs_object_id', operator: 'GTE', value: ids[5] },
          { propertyName: 'city', operator: 'IN', values: ['ulm'] },
        ],
      }],
      limit: 200,
    });
    assert.deepEqual(page.results.map((r) => r.id), ids.filter((_, i) => i >= 5 && i % 2));
    await pause(1100);
  });

  it('refuses a search past 10,000 results', async () => {
    const e = await thrown(() => hubspot.crm.contacts.searchApi.doSearch({ limit: 200, after: '10000' }));
    assert.equal(e.code, 400);
    assert.equal(e.body.category, 'VALIDATION_ERROR');
    await pause(1100);
  });

  it('lists all contacts page by page', async () => {
    const some = await hubspot.crm.contacts.basicApi.getPage(10, undefined, ['email']);
    assert.equal(some.results.length, 10);
    assert.ok(some.paging.next.after);
    const next = await hubspot.crm.contacts.basicApi.getPage(100, ids[0], ['email']);
    assert.deepEqual(next.results.slice(0, 25).map((r) => r.id), ids);
  });

  it('updates and reads batches', async () => {
    const wrote = await hubspot.crm.contacts.batchApi.update({
      inputs: ids.slice(0, 3).map((id, i) => ({ id, properties: { jobtitle: `Title ${i}` } })),
    });
    assert.equal(wrote.status, 'COMPLETE');
    assert.deepEqual(wrote.results.map((r) => r.properties.jobtitle), ['Title 0', 'Title 1', 'Title 2']);
    const read = await hubspot.crm.contacts.batchApi.read({
      inputs: ids.slice(0, 3).map((id) => ({ id })), properties: ['jobtitle', 'city'], propertiesWithHistory: ['jobtitle'],
    });
    assert.deepEqual(read.results.map((r) => r.properties.city), ['Kiel', 'Ulm', 'Kiel']);
    const [version] = read.results[1].propertiesWithHistory.jobtitle;
    assert.equal(version.value, 'Title 1');
    assert.equal(version.sourceType, 'INTEGRATION');
    assert.deepEqual(version.timestamp, wrote.results[1].updatedAt);
    const cleared = await hubspot.crm.contacts.basicApi.update(ids[0], { properties: { jobtitle: '' } });
    assert.equal(cleared.properties.jobtitle, null);
  });

  it('tells what failed of a batch in a 207 that the client takes for success', async () => {
    const wrote = await hubspot.crm.contacts.batchApi.update({
      inputs: [{ id: ids[0], properties: { city: 'Bonn' } }, { id: '999999999999999', properties: { city: 'Bonn' } }],
    });
    assert.deepEqual(wrote.results.map((r) => r.id), [ids[0]]);
    assert.equal(wrote.numErrors, 1);
    assert.equal(wrote.errors[0].category, 'OBJECT_NOT_FOUND');
    assert.deepEqual(wrote.errors[0].context.ids, ['999999999999999']);
    const read = await hubspot.crm.contacts.batchApi.read({ inputs: [{ id: '999999999999999' }], properties: [], propertiesWithHistory: [] });
    assert.deepEqual(read.results, []);
    assert.equal(read.errors[0].category, 'OBJECT_NOT_FOUND');
  });

  it('fails a whole batch for one bad value', async () => {
    const call = (hs_lead_status) => hubspot.crm.contacts.batchApi.update({
      inputs: [{ id: ids[1], properties: { city: 'Jena' } }, { id: ids[2], properties: { hs_lead_status } }],
    });
    const e = await thrown(() => call('NO_SUCH_STATUS'));
    assert.equal(e.code, 400);
    assert.equal(e.body.category, 'VALIDATION_ERROR');
    assert.equal(e.body.errors[0].code, 'INVALID_OPTION');
    assert.equal((await hubspot.crm.contacts.basicApi.getById(ids[1], ['city'])).properties.city, 'Ulm');
    const unknown = await thrown(() => hubspot.crm.contacts.basicApi.update(ids[1], { properties: { no_such_property: '1' } }));
    assert.equal(unknown.body.errors[0].code, 'PROPERTY_DOESNT_EXIST');
    assert.deepEqual(unknown.body.errors[0].context.propertyName, ['no_such_property']);
    assert.ok(unknown.body.correlationId);
  });

  it('leaves a merged id out of a batch and follows it in a single update', async () => {
    const pair = ids.slice(20, 22);
    const into = await hubspot.crm.contacts.basicApi.merge({ primaryObjectId: pair[0], objectIdToMerge: pair[1] });
    assert.ok(!pair.includes(into.id));
    const wrote = await hubspot.crm.contacts.batchApi.update({ inputs: pair.map((id) => ({ id, properties: { city: 'Gera' } })) });
    assert.deepEqual(wrote.results, []);
    assert.equal(wrote.errors, undefined);
    const single = await hubspot.crm.contacts.basicApi.update(pair[1], { properties: { city: 'Gera' } });
    assert.equal(single.id, into.id);
    const merged = await hubspot.crm.contacts.basicApi.getById(into.id, ['hs_merged_object_ids', 'hs_additional_emails']);
    assert.equal(merged.properties.hs_merged_object_ids, pair.join(';'));
    assert.equal(merged.properties.hs_additional_emails, `client.${run}.21@check.example`);
  });

  it('archives contacts and forgets some for privacy', async () => {
    await hubspot.crm.contacts.basicApi.archive(ids[22]);
    assert.equal((await thrown(() => hubspot.crm.contacts.basicApi.getById(ids[22]))).code, 404);
    const gone = await hubspot.crm.contacts.basicApi.getById(ids[22], ['email'], undefined, undefined, true);
    assert.equal(gone.archived, true);
    await hubspot.crm.contacts.basicApi.purge({ objectId: ids[23] });
    assert.equal((await thrown(() => hubspot.crm.contacts.basicApi.getById(ids[23], undefined, undefined, undefined, true))).code, 404);
  });

  it('keeps addresses unique', async () => {
    const e = await thrown(() => hubspot.crm.contacts.basicApi.create({ properties: { email: `client.${run}.1@check.example` }, associations: [] }));
    assert.equal(e.code, 409);
    assert.equal(e.body.category, 'CONFLICT');
    assert.match(e.body.message, new RegExp(`Existing ID: ${ids[1]}$`));
  });

  it('makes, changes and archives properties and groups', async () => {
    const groupName = `group_${run}`;
    const name = `tier_${run}`;
    const { groupsApi, coreApi, batchApi } = hubspot.crm.properties;
    assert.equal((await groupsApi.create('contacts', { name: groupName, label: 'Check' })).name, groupName);
    assert.equal((await thrown(() => groupsApi.create('contacts', { name: groupName, label: 'Check' }))).code, 409);
    const option = (value, displayOrder) => ({ label: value.toUpperCase(), value, displayOrder, hidden: false });
    const definition = { name, label: 'Tier', type: 'enumeration', fieldType: 'select', groupName, options: [option('high', 0)] };
    const made = await coreApi.create('contacts', definition);
    assert.equal(made.options[0].value, 'high');
    assert.ok(!made.hubspotDefined);
    const again = await thrown(() => coreApi.create('contacts', definition));
    assert.equal(again.code, 409);
    assert.equal(again.body.category, 'OBJECT_ALREADY_EXISTS');
    const changed = await coreApi.update('contacts', name, { options: [option('low', 0)] });
    assert.deepEqual(changed.options.map((o) => o.value), ['low']);
    const missing = await batchApi.read('contacts', { archived: false, inputs: [{ name }, { name: `none_${run}` }], dataSensitivity: 'non_sensitive' });
    assert.deepEqual(missing.results.map((p) => p.name), [name]);
    assert.equal(missing.numErrors, 1);
    await coreApi.archive('contacts', name);
    assert.equal((await thrown(() => coreApi.getByName('contacts', name))).code, 404);
    await coreApi.create('contacts', definition);
    assert.equal((await coreApi.getByName('contacts', name)).archived, false);
    assert.ok((await coreApi.getByName('contacts', 'email')).hubspotDefined);
    assert.ok((await coreApi.getAll('contacts')).results.length > 40);
    await coreApi.archive('contacts', name);
    await groupsApi.archive('contacts', groupName);
  });

  it('finds closed deals and the contacts on them', async () => {
    const deal = (dealname, dealstage, on) => hubspot.crm.deals.basicApi.create({
      properties: { dealname: `${dealname} ${run}`, dealstage, pipeline: 'default', closedate: '2026-10-01T00:00:00Z' },
      associations: on.map((id) => ({ to: { id }, types: [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: 3 }] })),
    });
    const won = await deal('Won', 'closedwon', ids.slice(0, 2));
    const lost = await deal('Lost', 'closedlost', []);
    await pause(1100);
    const closed = await hubspot.crm.deals.searchApi.doSearch({
      filterGroups: [{ filters: [{ propertyName: 'hs_is_closed', operator: 'EQ', value: 'true' }, { propertyName: 'hs_object_id', operator: 'GTE', value: won.id }] }],
      properties: ['hs_is_closed_won', 'dealname'],
      limit: 100,
    });
    assert.deepEqual(closed.results.map((d) => [d.id, d.properties.hs_is_closed_won]), [[won.id, 'true'], [lost.id, 'false']]);
    const links = await hubspot.crm.associations.v4.batchApi.getPage('deals', 'contacts', { inputs: [{ id: won.id }, { id: lost.id }] });
    assert.equal(links.results.length, 1);
    assert.deepEqual(links.results[0].to.map((t) => String(t.toObjectId)), ids.slice(0, 2));
    assert.equal(links.results[0].to[0].associationTypes[0].typeId, 3);
    assert.equal(links.errors[0].subCategory, 'crm.associations.NO_ASSOCIATIONS_FOUND');
    const of = await hubspot.crm.associations.v4.basicApi.getPage('contacts', ids[0], 'deals');
    assert.deepEqual(of.results.map((t) => String(t.toObjectId)), [won.id]);
  });

  it('turns away a wrong token', async () => {
    const other = new Client({ accessToken: `${accessToken}x`, basePath: url });
    const e = await thrown(() => other.crm.contacts.basicApi.getPage(1));
    assert.equal(e.code, 401);
    assert.equal(e.body.category, 'INVALID_AUTHENTICATION');
    plain();
  });

  it('answers the sixth search within a second with a 429 that the client can wait out', async () => {
    await pause(1100);
    const search = () => hubspot.crm.contacts.searchApi.doSearch({ limit: 1 });
    const answers = await Promise.allSettled(sameMany(12, search));
    const refused = answers.filter((a) => a.status === 'rejected').map((a) => a.reason);
    assert.ok(refused.length >= 2 && refused.length <= 7, `${refused.length} of 12 were refused`);
    for (const e of refused) {
      assert.equal(e.code, 429);
      assert.equal(e.body.message, 'You have reached your secondly limit.');
      assert.equal(e.headers['x-hubspot-ratelimit-remaining'], undefined);
    }

    const patient = new Client({ accessToken, basePath: url, numberOfApiCallRetries: 6 });
    await pause(1100);
    const all = await Promise.all(sameMany(8, () => patient.crm.contacts.searchApi.doSearch({ limit: 1 })));
    assert.equal(all.length, 8);

    const limited = new Client({ accessToken, basePath: url, limiterOptions: { minTime: 1000 / 4, maxConcurrent: 1 } });
    await pause(1100);
    await Promise.all(sameMany(8, () => limited.crm.contacts.searchApi.doSearch({ limit: 1 })));
    plain();
  });
});
