// ClickHouse's engine (npm chdb) behind the part of ClickHouse's HTTP interface that intentd uses, for tests on the loopback.
// node server.mjs FOLDER: prints its address, ends with SIGTERM. Queries run one after the other; errors look as the server's own do.
import http from 'node:http';
import { Session } from 'chdb';

const session = new Session(process.argv[2]);
const literal = (text) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

async function run(url, body) {
  const parameters = url.searchParams;
  await session.queryAsync(`USE \`${parameters.get('database') ?? 'default'}\``);
  const query = [parameters.get('query'), body].filter(Boolean).join('\n');
  for (const [name, value] of parameters) {
    if (name.startsWith('param_')) await session.queryAsync(`SET ${name} = ${literal(value)}`);
  }
  const named = /\bFORMAT\s+(\w+)\s*;?\s*$/i.exec(query);
  const result = await session.queryAsync(query, { format: named?.[1] ?? parameters.get('default_format') ?? 'TabSeparated' });
  return Buffer.from(result.bytes());
}

let queue = Promise.resolve();
const server = http.createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const url = new URL(request.url, 'http://localhost');
  if (url.pathname === '/ping') return response.end('Ok.\n');
  queue = queue.then(() => run(url, Buffer.concat(chunks).toString()).then(
    (rows) => response.end(rows),
    (error) => {
      const text = String(error.message ?? error);
      response.statusCode = 500;
      response.setHeader('X-ClickHouse-Exception-Code', /Code: (\d+)/.exec(text)?.[1] ?? '1002');
      response.end(text);
    },
  ));
});
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`));
process.on('SIGTERM', () => server.close(() => process.exit(0)));
