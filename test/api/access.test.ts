import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { statSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Sandbox } from '../cli/sluice-process.ts';
import { Served } from './served.ts';

let served: Served;
let tokens: Record<'admin' | 'read' | 'run' | 'cats', string>;
let open: number;
beforeAll(async () => {
  served = await Served.start();
  open = (await served.ask('/batches')).status;
  const make = async (name: string, ...args: string[]): Promise<string> =>
    (await served.sandbox.sluice(['token', 'create', name, ...args])).stdout.trim();
  tokens = {
    admin: await make('admin', '--role', 'admin'),
    read: await make('read', '--role', 'read'),
    run: await make('run'),
    cats: await make('cats', '--project', 'cats'),
  };
});
afterAll(() => served.dispose());

const as = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

/** Headers that `fetch` does not let anybody set. */
async function raw(
  path: string,
  headers: Record<string, string>,
  method = 'GET',
): Promise<{ status: number; body: string }> {
  const url = new URL(`/api${path}`, served.url);
  return await new Promise((resolve, reject) => {
    const outgoing = request(url, { method, headers }, (reply) => {
      text(reply).then((body) => {
        resolve({ status: reply.statusCode ?? 0, body });
      }, reject);
    });
    outgoing.once('error', reject);
    outgoing.end();
  });
}

test('on this machine alone everybody may use the service until there is a token', async () => {
  expect(open).toBe(200);
  expect(await served.ask('/batches')).toMatchObject({ status: 401, json: { code: 'UNAUTHENTICATED' } });
  expect(await served.ask('/batches', { headers: as(tokens.read) })).toMatchObject({ status: 200 });
  expect(await served.ask('/batches', { headers: as('sluice_wrong') })).toMatchObject({ status: 401 });
  expect(await served.ask('/health/ready')).toMatchObject({ status: 200 });
});

test('a token that may read cannot start or change anything', async () => {
  const denied = await served.post('/batches', { items: [{ prompt: 'a' }] }, as(tokens.read));
  expect(denied).toMatchObject({ status: 403, json: { code: 'FORBIDDEN' } });
  const started = await served.post('/batches', { items: [{ prompt: 'a' }] }, as(tokens.run));
  expect(started).toMatchObject({ status: 201 });
  const path = `/batches/${started.json.batch_id}`;
  expect(await served.ask(path, { method: 'DELETE', headers: as(tokens.read) })).toMatchObject({ status: 403 });
});

test('a token of a project sees its batches alone, and starts only such', async () => {
  const dog = await served.post('/batches', { items: [{ prompt: 'a dog' }], project: 'dogs' }, as(tokens.run));
  const cat = await served.post('/batches', { items: [{ prompt: 'a cat' }], project: 'dogs' }, as(tokens.cats));
  expect(await served.ask(`/batches/${dog.json.batch_id}`, { headers: as(tokens.cats) })).toMatchObject({
    status: 404,
    json: { code: 'BATCH_NOT_FOUND' },
  });
  expect((await served.ask(`/batches/${cat.json.batch_id}`, { headers: as(tokens.cats) })).json).toMatchObject({
    project: 'cats',
  });
  const listed = await served.ask('/batches', { headers: as(tokens.cats) });
  expect(listed.json.data.map((batch) => batch.batch_id)).toEqual([cat.json.batch_id]);
});

test('a page signs in with a cookie that scripts cannot read and other sites do not send', async () => {
  const begun = await served.post('/session', { token: tokens.read });
  const cookie = begun.headers.get('set-cookie') ?? '';
  expect(cookie).toMatch(/^sluice_session=.*; Path=\/api; HttpOnly; SameSite=Strict$/);
  const [pair = ''] = cookie.split(';');
  expect(await served.ask('/batches', { headers: { cookie: pair } })).toMatchObject({ status: 200 });
  expect((await served.ask('/session', { headers: { cookie: pair } })).json).toEqual({
    asks: true,
    role: 'read',
    project: null,
  });
  expect(await served.post('/session', { token: 'sluice_wrong' })).toMatchObject({ status: 401 });
});

test('a token is stored as a hash, in a file of its owner, and is no good once it is revoked', async () => {
  const gone = (await served.sandbox.sluice(['token', 'create', 'gone'])).stdout.trim();
  const file = join(served.sandbox.home, 'tokens.yaml');
  expect(statSync(file).mode & 0o077).toBe(0);
  expect(readFileSync(file, 'utf8')).not.toContain(gone.slice(7));
  expect(await served.ask('/batches', { headers: as(gone) })).toMatchObject({ status: 200 });
  expect((await served.sandbox.sluice(['token', 'revoke', 'gone'])).status).toBe(0);
  expect(await served.ask('/batches', { headers: as(gone) })).toMatchObject({ status: 401 });
  expect((await served.sandbox.sluice(['token', 'list'])).stdout).toMatch(/^cats {2}run {2}cats {2}/m);
  expect(readFileSync(join(served.sandbox.home, 'logs', 'api.log'), 'utf8')).not.toContain(tokens.admin);
});

test('a name that leads here but is not ours, and a page of another site, are refused', async () => {
  const token = as(tokens.admin);
  expect(await raw('/batches', { ...token, host: 'evil.example' })).toMatchObject({ status: 403 });
  expect(await raw('/batches', { ...token, origin: 'http://evil.example' })).toMatchObject({ status: 403 });
  expect(await raw('/batches', { ...token, origin: 'null' })).toMatchObject({ status: 403 });
  expect(await raw('/batches', { ...token, 'sec-fetch-site': 'cross-site' })).toMatchObject({ status: 403 });
  const { port } = new URL(served.url);
  expect(await raw('/batches', { ...token, origin: `http://127.0.0.1:${port}` })).toMatchObject({ status: 200 });
  expect(await raw('/batches', { ...token, origin: `http://127.0.0.1:${String(Number(port) + 1)}` })).toMatchObject({
    status: 403,
  });
  const form = { ...token, 'content-type': 'text/plain', 'content-length': '0' };
  expect((await raw('/batches', form, 'POST')).status).toBeGreaterThanOrEqual(400);
});

test('answers carry headers that keep a browser from doing anything with them', async () => {
  const { headers } = await served.ask('/health/live');
  expect(headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(headers.get('content-security-policy')).not.toContain('unsafe');
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('x-frame-options')).not.toBeNull();
  expect(headers.get('access-control-allow-origin')).toBeNull();
});

test('where others could reach it the service does not start without a token', async () => {
  const sandbox = new Sandbox();
  const env = { SLUICE_API: '{"host":"0.0.0.0"}' };
  const refused = await sandbox.sluice(['up', '--detach'], { env });
  expect(refused.status).toBe(1);
  expect(refused.stderr).toContain('sluice token create');
  await sandbox.dispose();
});
