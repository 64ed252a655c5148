import { SluiceError } from '../../domain/errors.ts';
import type { Store } from '../../storage/store.ts';
import { contentType } from './content-type.ts';

/**
 * Folders of a batch's directory whose files are handed out, and files beside them. A list of what is, not of
 * what is not: the directory may be one in which a user has other files.
 */
const folders = ['images/', 'videos/', 'texts/', 'exports/', 'metadata/', 'steps/'] as const;
const files = ['batch_info.json', 'manifest.json', 'report.md', 'results.jsonl', 'reviews.jsonl'] as const;

export function isArtifact(key: string): boolean {
  const sound = key.split('/').every((part) => part !== '' && part !== '.' && part !== '..') && !/[\\\0]/.test(key);
  return sound && ((files as readonly string[]).includes(key) || folders.some((folder) => key.startsWith(folder)));
}

export interface ArtifactEntry {
  key: string;
  size: number;
  modified_at: string;
  type: string;
}

/** One page of a batch's files, folder by folder. The cursor is the key of the last one. Throws USAGE. */
export async function listArtifacts(
  store: Store,
  { prefix, limit, cursor }: { prefix: string; limit: number; cursor?: string | undefined },
): Promise<{ data: ArtifactEntry[]; next: string | null }> {
  const data: ArtifactEntry[] = [];
  let passed = cursor === undefined;
  for await (const { key, size, modifiedAt } of everyFile(store, prefix)) {
    if (!passed) {
      passed = key === cursor;
      continue;
    }
    if (data.length === limit) return { data, next: data.at(-1)?.key ?? null };
    data.push({ key, size, modified_at: modifiedAt.toISOString(), type: contentType(key) });
  }
  if (!passed) throw new SluiceError('USAGE', 'cursor: is none of this list.');
  return { data, next: null };
}

async function* everyFile(store: Store, prefix: string) {
  for (const folder of folders) {
    if (!folder.startsWith(prefix) && !prefix.startsWith(folder)) continue;
    for await (const found of store.list(folder)) if (found.key.startsWith(prefix)) yield found;
  }
  for (const key of files) {
    const found = key.startsWith(prefix) ? await store.stat(key) : null;
    if (found !== null) yield { key, ...found };
  }
}
