import { deliveryPrefix } from '../domain/events.ts';
import { manifestKey } from '../domain/manifest.ts';
import { reviewsKey } from '../domain/review.ts';
import { parseSidecar, sidecarPrefix } from '../domain/sidecar.ts';
import { parseStepRecord, stepRecordPrefix } from '../domain/step-record.ts';
import { parseVideoOperation, videoOperationPrefix } from '../domain/video-operation.ts';
import type { Store } from '../storage/store.ts';

interface OwnFile {
  key: string;
  size: number;
}

const summaryKeys = [manifestKey, 'results.jsonl', 'report.md', reviewsKey];
/** Staged items, those of redrives included, results, graphs, the flow, and events. */
const partPattern =
  /^(?:(?:results|input(?:\/redrive-[\w-]+)?)\/part-\d+\.jsonl|input\/graph-[0-9a-f]+\.json|input\/flow\.json|events\/[a-z0-9-]+\/\d+-\d+\.jsonl)$/;

/** What the runs of a batch wrote about themselves, its `batch_info.json` excepted. */
export async function* recordFiles(store: Store): AsyncGenerator<OwnFile> {
  for (const prefix of ['results/', 'input/', deliveryPrefix]) {
    for await (const { key, size } of store.list(prefix)) if (partPattern.test(key)) yield { key, size };
  }
  for (const key of summaryKeys) yield* existing(store, key);
}

/** What a batch made: each file that one of its sidecars names, followed by that sidecar; records of steps; videos under way. */
export async function* artifactFiles(store: Store, batchId: string): AsyncGenerator<OwnFile> {
  for await (const { key, size } of store.list(sidecarPrefix)) {
    const sidecar = parseSidecar((await store.get(key))?.toString('utf8') ?? '');
    if (sidecar?.batch_id !== batchId) continue;
    yield* existing(store, sidecar.file.path);
    yield { key, size };
  }
  for await (const { key, size } of store.list(stepRecordPrefix)) {
    const record = parseStepRecord((await store.get(key))?.toString('utf8') ?? '');
    if (record?.batch_id === batchId) yield { key, size };
  }
  for await (const { key, size } of store.list(videoOperationPrefix)) {
    const operation = parseVideoOperation((await store.get(key))?.toString('utf8') ?? '');
    if (operation?.batch_id === batchId) yield { key, size };
  }
}

async function* existing(store: Store, key: string): AsyncGenerator<OwnFile> {
  const found = await store.stat(key);
  if (found !== null) yield { key, size: found.size };
}
