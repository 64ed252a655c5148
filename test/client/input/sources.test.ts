import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readInput } from '../../../client/input/read-input.ts';
import { readJob } from '../../../client/job-file.ts';
import type { InputSource } from '../../../client/input/source.ts';

let server: Server;
let url: string;
let directory: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-sources-'));
  server = createServer((request, response) => {
    if (request.url?.startsWith('/rows.csv') === true) response.end('id,prompt\na,First\nb,Second\n');
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
});
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await new Promise((resolve) => server.close(resolve));
});

async function read(source: InputSource): Promise<unknown[]> {
  const entries = await Array.fromAsync(readInput(source));
  return entries.map((entry) => (entry.kind === 'row' ? Object.fromEntries(entry.cells) : entry.message));
}

test('an address is read like a file, and one that has nothing is named without what may be secret in it', async () => {
  expect(await read({ url: `${url}/rows.csv?key=secret` })).toEqual([
    { id: 'a', prompt: 'First' },
    { id: 'b', prompt: 'Second' },
  ]);
  await expect(read({ url: `${url}/other.csv?key=secret` })).rejects.toMatchObject({
    code: 'INPUT_NOT_FOUND',
    message: `${url}/other.csv does not exist (404)`,
  });
});

test('every text file a pattern matches is a record, and one that is no text is rejected alone', async () => {
  mkdirSync(join(directory, 'one'));
  writeFileSync(join(directory, 'one', '01.md'), 'Ünï');
  writeFileSync(join(directory, 'one', '02.md'), Buffer.from([0xff, 0xfe, 0xff]));
  writeFileSync(join(directory, '03.md'), 'Three');
  expect(await read({ glob: join(directory, '**', '*.md') })).toEqual([
    { id: '03', path: join(directory, '03.md'), text: 'Three' },
    { id: 'one~01', path: join(directory, 'one', '01.md'), text: 'Ünï' },
    'text: is no UTF-8 text',
  ]);
  await expect(read({ glob: join(directory, '*.none') })).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND' });
});

test('a job that is none names the field and the rule; JSON that is no job is read as rows', async () => {
  const path = join(directory, 'job.json');
  writeFileSync(path, JSON.stringify({ job_id: 'j', job_type: 'export', items: [] }));
  await expect(readJob(path)).rejects.toMatchObject({
    code: 'INPUT_UNREADABLE',
    message: expect.stringMatching(/items: /),
  });
  writeFileSync(path, '{"prompt":"one"}\n');
  expect(await readJob(path)).toBeNull();
});
