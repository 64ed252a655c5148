import { createHash } from 'node:crypto';
import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { createFileStore } from './file-store.ts';
import type { Store } from './store.ts';

/** What is kept of a finished step: what it made, and where it came from. */
const entrySchema = z.object({
  version: z.literal(1),
  /** Where it was made: `<batch>/<item>/<step>`. */
  source: z.string(),
  model: z.string(),
  /** The record of the step, as its kind made it. */
  made: z.object({
    text: z.string().optional(),
    json: z.json().optional(),
    facts: z.record(z.string(), z.json()).optional(),
  }),
  file: z.object({ sha256: z.string(), bytes: z.int(), mime_type: z.string() }).nullable(),
  /** What it cost when it was made. */
  cost_usd: z.number(),
  /** ISO 8601, UTC. */
  made_at: z.string(),
});
export type CacheEntry = z.output<typeof entrySchema>;

export interface CacheHit extends Omit<CacheEntry, 'file'> {
  file: { mimeType: string; data: Buffer } | null;
}

export interface CacheStats {
  entries: number;
  bytes: number;
  /** What the results it holds cost when they were made. */
  cost_usd: number;
}

export interface NewEntry extends Omit<CacheEntry, 'version' | 'file'> {
  file: { mimeType: string; data: Uint8Array } | null;
}

/** Results of steps that may be used again by other batches. */
export interface ResultCache {
  /** Null for what is not there, was altered, or cannot be read: then it is made anew. */
  find(key: string): Promise<CacheHit | null>;
  keep(key: string, entry: NewEntry): Promise<void>;
  stats(): Promise<CacheStats>;
  /** Removes everything; tells what was there. */
  clear(): Promise<CacheStats>;
}

/**
 * A cache in a directory: `entries/<key>.json`, and `files/<sha256>` for what they made, each file once. A result
 * that is used again is touched; when the bound is passed, those used longest ago go first, down to nine tenths.
 */
export function createResultCache(directory: string, maxBytes: number): ResultCache {
  const store = createFileStore(directory);
  /** Bytes as far as this process knows; counted when first needed, and again when the bound seems passed. */
  let known: Promise<number> | null = null;
  let pruning: Promise<void> | null = null;

  const touch = async (key: string): Promise<void> => {
    const now = new Date();
    // Two that use it at once, or one that removes it meanwhile: the order of use need not be exact.
    await utimes(join(directory, key), now, now).catch(() => undefined);
  };

  const grow = async (bytes: number): Promise<void> => {
    known ??= sizeOf(store);
    known = known.then((size) => size + bytes);
    if ((await known) <= maxBytes || pruning !== null) return;
    pruning = prune(store, maxBytes * 0.9)
      .then((size) => {
        known = Promise.resolve(size);
      })
      .finally(() => {
        pruning = null;
      });
    await pruning;
  };

  return {
    async find(key) {
      const entry = parseEntry(await store.get(entryKey(key)));
      if (entry === null) return null;
      if (entry.file === null) {
        await touch(entryKey(key));
        return { ...entry, file: null };
      }
      const { sha256, mime_type: mimeType } = entry.file;
      const data = await store.get(fileKey(sha256));
      if (data === null || sha256Of(data) !== sha256) {
        await Promise.all([store.delete(entryKey(key)), store.delete(fileKey(sha256))]);
        return null;
      }
      await Promise.all([touch(entryKey(key)), touch(fileKey(sha256))]);
      return { ...entry, file: { mimeType, data } };
    },
    async keep(key, { file, ...facts }) {
      const kept = file === null ? null : { sha256: sha256Of(file.data), bytes: file.data.byteLength };
      if (file !== null && kept !== null) {
        if (kept.bytes > maxBytes / 2) return;
        await store.put(fileKey(kept.sha256), file.data);
      }
      const entry: CacheEntry = {
        version: 1,
        ...facts,
        file: file === null || kept === null ? null : { ...kept, mime_type: file.mimeType },
      };
      const text = `${JSON.stringify(entry)}\n`;
      await store.put(entryKey(key), text);
      await grow(Buffer.byteLength(text) + (kept?.bytes ?? 0));
    },
    async stats() {
      return statsOf(store);
    },
    async clear() {
      const stats = await statsOf(store);
      // Entries first: one without its file would only be a miss, but a file without entries would never go.
      for (const prefix of ['entries/', 'files/']) {
        for await (const { key } of store.list(prefix)) await store.delete(key);
      }
      known = null;
      return stats;
    },
  };
}

function entryKey(key: string): string {
  return `entries/${key.slice(0, 2)}/${key}.json`;
}

function fileKey(sha256: string): string {
  return `files/${sha256.slice(0, 2)}/${sha256}`;
}

function sha256Of(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

function parseEntry(bytes: Buffer | null): CacheEntry | null {
  if (bytes === null) return null;
  try {
    return entrySchema.safeParse(JSON.parse(bytes.toString('utf8'))).data ?? null;
  } catch {
    return null;
  }
}

async function sizeOf(store: Store): Promise<number> {
  let bytes = 0;
  for (const prefix of ['entries/', 'files/']) for await (const { size } of store.list(prefix)) bytes += size;
  return bytes;
}

async function statsOf(store: Store): Promise<CacheStats> {
  const stats: CacheStats = { entries: 0, bytes: await sizeOf(store), cost_usd: 0 };
  for await (const { key } of store.list('entries/')) {
    const entry = parseEntry(await store.get(key));
    if (entry === null) continue;
    stats.entries += 1;
    stats.cost_usd += entry.cost_usd;
  }
  stats.cost_usd = Number(stats.cost_usd.toFixed(6));
  return stats;
}

/** Removes what was used longest ago until so much is left; returns what is left, bytes. */
async function prune(store: Store, toBytes: number): Promise<number> {
  const found: { key: string; size: number; modifiedAt: Date }[] = [];
  for (const prefix of ['entries/', 'files/']) for await (const file of store.list(prefix)) found.push(file);
  found.sort((a, b) => a.modifiedAt.getTime() - b.modifiedAt.getTime());
  let bytes = found.reduce((sum, { size }) => sum + size, 0);
  for (const { key, size } of found) {
    if (bytes <= toBytes) break;
    await store.delete(key);
    bytes -= size;
  }
  return bytes;
}
