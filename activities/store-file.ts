import type { ResultRow } from '../domain/result.ts';
import { writeArtifact, type MadeFile } from './artifact.ts';
import type { Attempt } from './attempt.ts';
import { readItem } from './read-page.ts';
import type { StepDeps } from './step-work.ts';
import { storePaid } from './store-paid.ts';

/**
 * Stores the file of a finished item, and its sidecar with `facts`; returns the item's row.
 *
 * @param cachedFrom of a file that another batch has paid for: where it is from
 */
export async function storeFile(
  { storagePatienceMs = 5_000 }: Pick<StepDeps, 'storagePatienceMs'>,
  attempt: Attempt,
  file: MadeFile,
  { facts, cachedFrom }: { facts: Record<string, unknown>; cachedFrom?: string },
): Promise<ResultRow> {
  const { input, item, store } = attempt;
  const cached = cachedFrom === undefined ? {} : { cached_from: cachedFrom };
  const row = { ...attempt.succeeded(file.path), ...cached };
  await storePaid(storagePatienceMs, async () => {
    // A directory that was moved away is not made anew elsewhere.
    await readItem(store, input.ref);
    await writeArtifact(store, item, file, row, { batch_id: input.batchId, mode: input.mode, ...facts, ...cached });
  });
  return row;
}
