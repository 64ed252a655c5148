import { heartbeat } from '@temporalio/activity';
import { partKey } from '../domain/part-key.ts';
import type { Store } from '../storage/store.ts';

/** Writes JSON lines in numbered parts `<prefix>/part-NNNNN.jsonl`, the first one numbered `firstPart`. */
export function createPartWriter(store: Store, prefix: string, firstPart: number, rowsPerPart: number) {
  let lines: string[] = [];
  let rows = 0;
  let nextPart = firstPart;
  const flush = async (): Promise<void> => {
    if (lines.length === 0) return;
    await store.put(partKey(prefix, nextPart), lines.join(''));
    nextPart += 1;
    lines = [];
    heartbeat();
  };
  return {
    get rows(): number {
      return rows;
    },
    get nextPart(): number {
      return nextPart;
    },
    async add(row: unknown): Promise<void> {
      lines.push(`${JSON.stringify(row)}\n`);
      rows += 1;
      if (lines.length === rowsPerPart) await flush();
    },
    finish: flush,
  };
}
