import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createResultCache, type NewEntry } from '../../storage/result-cache.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-cache-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

const keyOf = (n: number): string => String(n).padStart(64, '0');

function entry(more: Partial<NewEntry> = {}): NewEntry {
  return {
    source: 'batch_a/item-1/draw',
    model: 'model-1',
    made: { text: 'Once' },
    file: null,
    cost_usd: 0.1,
    made_at: '2026-01-01T00:00:00.000Z',
    ...more,
  };
}

const file = (text: string): NonNullable<NewEntry['file']> => ({ mimeType: 'image/png', data: Buffer.from(text) });

/** The only file below a folder of the cache. */
function onlyFile(folder: string): string {
  const [found, ...others] = readdirSync(join(directory, folder), { recursive: true, withFileTypes: true }).filter(
    (at) => at.isFile(),
  );
  if (found === undefined || others.length > 0) throw new Error(`not one file in ${folder}`);
  return join(found.parentPath, found.name);
}

describe('the cache of results', () => {
  test('gives back what was kept, with its source, also to another process', async () => {
    await createResultCache(directory, 1e6).keep(keyOf(1), entry({ file: file('picture') }));
    const hit = await createResultCache(directory, 1e6).find(keyOf(1));
    expect(hit).toMatchObject({ source: 'batch_a/item-1/draw', made: { text: 'Once' }, cost_usd: 0.1 });
    expect(hit?.file?.data.toString()).toBe('picture');
    expect(await createResultCache(directory, 1e6).find(keyOf(2))).toBeNull();
  });

  test('holds a file once that several results have', async () => {
    const cache = createResultCache(directory, 1e6);
    await cache.keep(keyOf(1), entry({ file: file('same') }));
    await cache.keep(keyOf(2), entry({ file: file('same') }));
    expect(statSync(onlyFile('files')).size).toBe(4);
    expect(await cache.stats()).toMatchObject({ entries: 2, cost_usd: 0.2 });
  });

  test('misses what was altered, cut off or lost, and can keep it again', async () => {
    const cache = createResultCache(directory, 1e6);
    const damages = [
      () => writeFileSync(onlyFile('files'), 'pict0re'),
      () => rmSync(onlyFile('files')),
      () => writeFileSync(onlyFile('entries'), '{"version":1'),
    ];
    for (const damage of damages) {
      await cache.keep(keyOf(1), entry({ file: file('picture') }));
      damage();
      expect(await cache.find(keyOf(1))).toBeNull();
    }
    await cache.keep(keyOf(1), entry({ file: file('picture') }));
    expect(await cache.find(keyOf(1))).not.toBeNull();
  });

  test('drops what was used longest ago when it passes its bound', async () => {
    const cache = createResultCache(directory, 4_000);
    for (const n of [1, 2]) await cache.keep(keyOf(n), entry({ file: file(String(n).repeat(1_200)) }));
    const long = new Date('2020-01-01');
    for (const at of readdirSync(directory, { recursive: true, withFileTypes: true })) {
      if (at.isFile()) utimesSync(join(at.parentPath, at.name), long, long);
    }
    expect(await cache.find(keyOf(1))).not.toBeNull();
    await cache.keep(keyOf(3), entry({ file: file('3'.repeat(1_200)) }));
    expect(await cache.find(keyOf(1))).not.toBeNull();
    expect(await cache.find(keyOf(2))).toBeNull();
    expect(await cache.find(keyOf(3))).not.toBeNull();
    expect((await cache.stats()).bytes).toBeLessThanOrEqual(4_000);
  });

  test('clears to nothing and tells what there was', async () => {
    const cache = createResultCache(directory, 1e6);
    await cache.keep(keyOf(1), entry({ file: file('picture') }));
    expect(await cache.clear()).toMatchObject({ entries: 1, cost_usd: 0.1 });
    expect(await cache.stats()).toEqual({ entries: 0, bytes: 0, cost_usd: 0 });
    expect(await cache.find(keyOf(1))).toBeNull();
  });
});
