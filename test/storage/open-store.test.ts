import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { openStore } from '../../storage/open-store.ts';

const holding = (text: string): unknown => expect.stringContaining(text);

it('opens the directory of a file URI, and its own uri opens it again', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-open-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const store = openStore(pathToFileURL(join(directory, 'with space %41')).href);
  await openStore(store.uri).put('k', 'x');
  expect(await readFile(join(directory, 'with space %41', 'k'), 'utf8')).toBe('x');
});

it.each(['s3://bucket/prefix', 'https://example.com/', 'out', '', 'file://host/share'])(
  'refuses %j and says what to use',
  (uri) => {
    expect(() => openStore(uri)).toThrow(
      expect.objectContaining({ code: 'USAGE', message: holding('file:///absolute/path') }),
    );
  },
);
