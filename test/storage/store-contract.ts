import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Store } from '../../storage/store.ts';

async function readAll(stream: AsyncIterable<Buffer> | null): Promise<Buffer | null> {
  return stream === null ? null : Buffer.concat(await Array.fromAsync(stream));
}

const keysOf = async (store: Store, prefix: string): Promise<string[]> =>
  (await Array.fromAsync(store.list(prefix))).map((entry) => entry.key);

/**
 * What every store must do. Call it from a test file of each implementation.
 * @param makeStore gives an empty store and sees to its removal, e.g. by `onTestFinished`
 */
export function storeContract(name: string, makeStore: () => Promise<Store>): void {
  describe(`${name} keeps the contract of a store`, () => {
    it('gives back text and bytes exactly as they were put', async () => {
      const store = await makeStore();
      const bytes = Uint8Array.from({ length: 70_000 }, (_, i) => i % 256);
      await store.put('images/a b-é.png', bytes);
      await store.put('report.md', 'grüße\n');
      await store.put('empty', '');
      expect((await store.get('images/a b-é.png'))?.equals(bytes)).toBe(true);
      expect((await store.get('report.md'))?.toString()).toBe('grüße\n');
      expect((await store.get('empty'))?.length).toBe(0);
    });

    it('reads a missing key as null by every method', async () => {
      const store = await makeStore();
      await store.put('file', 'x');
      for (const key of ['nope', 'no/such/folder', 'file/below']) {
        expect(await store.get(key)).toBeNull();
        expect(await store.getRange(key, 0, 10)).toBeNull();
        expect(await store.getStream(key)).toBeNull();
        expect(await store.stat(key)).toBeNull();
      }
      await store.put('folder/inside', 'x');
      expect(await store.get('folder')).toBeNull();
      expect(await store.stat('folder')).toBeNull();
    });

    it('replaces an object by the next put of its key', async () => {
      const store = await makeStore();
      await store.put('k', 'a long first version');
      await store.put('k', 'second');
      expect((await store.get('k'))?.toString()).toBe('second');
      expect((await store.stat('k'))?.size).toBe(6);
    });

    it('reads ranges, shorter ones at the end', async () => {
      const store = await makeStore();
      await store.put('k', '0123456789');
      expect((await store.getRange('k', 2, 3))?.toString()).toBe('234');
      expect((await store.getRange('k', 8, 100))?.toString()).toBe('89');
      expect((await store.getRange('k', 10, 5))?.length).toBe(0);
      expect((await store.getRange('k', 50, 5))?.length).toBe(0);
    });

    it('streams objects in and out', async () => {
      const store = await makeStore();
      const piece = 'x'.repeat(1000);
      const pieces = Array.from({ length: 300 }, (_, i) => (i % 2 === 0 ? piece : Buffer.from(piece)));
      await store.putStream('big', Readable.from(pieces));
      expect(await readAll(await store.getStream('big'))).toEqual(Buffer.from(piece.repeat(300)));
    });

    it('keeps the old object, and throws the very error, when the source of a streamed put fails', async () => {
      const store = await makeStore();
      await store.put('k', 'old');
      const failure = new Error('the source broke');
      async function* source() {
        yield 'new';
        await setImmediate();
        throw failure;
      }
      await expect(store.putStream('k', source())).rejects.toBe(failure);
      await expect(store.putStream('fresh', source())).rejects.toBe(failure);
      expect((await store.get('k'))?.toString()).toBe('old');
      expect(await keysOf(store, '')).toEqual(['k']);
    });

    it('shows a streamed object only once its source has ended', async () => {
      const store = await makeStore();
      const gate = Promise.withResolvers<undefined>();
      const started = Promise.withResolvers<undefined>();
      async function* source() {
        yield 'first half, ';
        started.resolve(undefined);
        await gate.promise;
        yield 'second half';
      }
      const put = store.putStream('k', source());
      await started.promise;
      expect(await store.get('k')).toBeNull();
      expect(await keysOf(store, '')).toEqual([]);
      gate.resolve(undefined);
      await put;
      expect((await store.get('k'))?.toString()).toBe('first half, second half');
    });

    it('lists the keys below a prefix in the order of whole keys, with sizes and times', async () => {
      const store = await makeStore();
      for (const key of ['a/2', 'a/10', 'a-b', 'a/b/c', 'z', 'a.txt', 'ab/x']) await store.put(key, key);
      expect(await keysOf(store, 'a/')).toEqual(['a/10', 'a/2', 'a/b/c']);
      expect(await keysOf(store, '')).toEqual(['a-b', 'a.txt', 'a/10', 'a/2', 'a/b/c', 'ab/x', 'z']);
      expect(await keysOf(store, 'none/')).toEqual([]);
      const [entry] = await Array.fromAsync(store.list('a/b/'));
      expect(entry?.size).toBe(5);
      expect(Math.abs(Date.now() - (entry?.modifiedAt.getTime() ?? 0))).toBeLessThan(600_000);
    });

    it('lists many keys, each once', async () => {
      const store = await makeStore();
      const keys = Array.from({ length: 150 }, (_, i) => `many/${String(i).padStart(4, '0')}`);
      await Promise.all(keys.map((key) => store.put(key, key)));
      expect(await keysOf(store, 'many/')).toEqual(keys);
    });

    it('deletes a key, and does not mind one that is not there', async () => {
      const store = await makeStore();
      await store.put('a/k', 'x');
      await store.delete('a/k');
      await store.delete('a/k');
      await store.delete('never/was');
      expect(await store.get('a/k')).toBeNull();
    });

    it('leaves one whole version when many puts of a key meet', async () => {
      const store = await makeStore();
      const versions = Array.from({ length: 40 }, (_, i) => String.fromCharCode(65 + (i % 26)).repeat(5000 + i));
      await Promise.all(versions.map((version) => store.put('deep/er/k', version)));
      expect(versions).toContain((await store.get('deep/er/k'))?.toString());
      expect(await keysOf(store, '')).toEqual(['deep/er/k']);
    });

    it.each(['../up', 'a/../../up', '/abs', 'a//b', 'a/./b', '', 'a/', 'nul\0', 'a\\b', '..', '.tmp-x'])(
      'refuses the key %j',
      async (key) => {
        const store = await makeStore();
        const refused = { code: 'STORAGE_ERROR' };
        await expect(async () => store.put(key, 'x')).rejects.toMatchObject(refused);
        await expect(async () => store.get(key)).rejects.toMatchObject(refused);
        await expect(async () => store.delete(key)).rejects.toMatchObject(refused);
      },
    );

    it('says how much room there is, or that it cannot tell', async () => {
      const store = await makeStore();
      const free = await store.freeBytes();
      expect(free === null || free > 0).toBe(true);
    });
  });
}
