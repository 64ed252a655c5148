import type { z } from 'zod';
import type { BatchListEntry } from '../../client/list.ts';
import type { Sluice } from '../../client/sluice.ts';
import { SluiceError } from '../../domain/errors.ts';
import type { Caller } from '../../domain/role.ts';
import type { listQuery } from './schemas.ts';

interface Cursor {
  /** Last batch of the page before, and how many were listed up to it. */
  id: string;
  count: number;
}

/**
 * One page of batches. A page goes on after the batch the one before ended with; should that be gone, or have
 * moved because it closed, it goes on as far down the list.
 */
export async function listPage(
  sluice: Sluice,
  query: z.output<typeof listQuery>,
  caller: Caller,
): Promise<{ data: BatchListEntry[]; next: string | null }> {
  const project = caller.project ?? query.project;
  const wanted = (entry: BatchListEntry): boolean =>
    (project === undefined || entry.project === project) &&
    (query.status === undefined || entry.status === query.status) &&
    (query.flow === undefined || entry.flow === query.flow);
  const entries: BatchListEntry[] = [];
  for await (const entry of sluice.list()) if (wanted(entry)) entries.push(entry);
  const start = startOf(entries, query.cursor);
  const data = entries.slice(start, start + query.limit);
  const last = data.at(-1);
  const more = last !== undefined && start + data.length < entries.length;
  return { data, next: more ? encode({ id: last.batch_id, count: start + data.length }) : null };
}

function startOf(entries: readonly BatchListEntry[], text: string | undefined): number {
  if (text === undefined) return 0;
  const cursor = decode(text);
  const place = entries.findIndex(({ batch_id: batchId }) => batchId === cursor.id);
  return place === -1 ? cursor.count : place + 1;
}

function encode({ id, count }: Cursor): string {
  return Buffer.from(`${String(count)} ${id}`).toString('base64url');
}

/** @throws SluiceError USAGE */
function decode(text: string): Cursor {
  const [, count, id] = /^(\d+) (.+)$/.exec(Buffer.from(text, 'base64url').toString('utf8')) ?? [];
  if (count === undefined || id === undefined) throw new SluiceError('USAGE', 'cursor: is none of this list.');
  return { id, count: Number(count) };
}
