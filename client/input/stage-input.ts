import { createHash } from 'node:crypto';
import type { BatchSpec } from '../../domain/batch-spec.ts';
import { SluiceError } from '../../domain/errors.ts';
import { modelKeys, resolveModel, type ModelsFile } from '../../domain/models.ts';
import { partKey } from '../../domain/part-key.ts';
import { isPlain, type Flow } from '../../domain/flow.ts';
import type { StagedItem } from '../../domain/item.ts';
import type { Store } from '../../storage/store.ts';
import type { Rejected } from './input-entry.ts';
import { parseInput } from './parse-input.ts';
import { createRejectedFile } from './rejected-file.ts';
import { Shuffle } from './shuffle.ts';
import { sourceName, type InputFormat, type InputSource } from './source.ts';

const rowsPerPart = 500;
/** Parts being written while the next ones are read. */
const maxWrites = 4;

export interface StageInputOptions {
  /** Whether rows may name files of this machine. @default true */
  localFiles?: boolean | undefined;
  /** Told of each item, in the order of the batch. */
  onItem?: ((item: StagedItem) => void) | undefined;
  /** Told of each row that is no item. */
  onRejected?: ((rejected: Rejected) => void) | undefined;
  source: InputSource;
  /** @default 'auto' */
  format?: InputFormat | undefined;
  /** @default found out */
  encoding?: string | undefined;
  /** Where the parts go; null: nowhere, only count and check (dry run). */
  store: Store | null;
  models: ModelsFile;
  spec: BatchSpec;
  /** As the batch runs it. */
  flow: Flow;
  /** Path of the file for rejected rows; null: none is written. */
  rejected: string | null;
  /** Key prefix of the parts. @default 'input' */
  prefix?: string | undefined;
}

export interface StagedInput {
  /** Items staged. */
  total: number;
  /** Rows rejected. */
  rejected: number;
  parts: number;
  rowsPerPart: number;
  estimateUsd: number;
  /** SHA-256 (hex) over ids, names and hashes of all items in order: the same input gives the same digest. */
  digest: string;
  /** Set when the input was not read as UTF-8. */
  encodingNotice?: string;
}

/** Writes parts, a few at a time; the first failure is thrown by the next call. */
function createPartWriter(store: Store | null, prefix: string) {
  const writes = new Set<Promise<void>>();
  let failure: { error: unknown } | undefined;
  let lines: string[] = [];
  let parts = 0;

  const settle = async (most: number): Promise<void> => {
    while (writes.size > most) await Promise.race(writes);
    if (failure !== undefined) throw failure.error;
  };
  const flush = async (): Promise<void> => {
    if (lines.length === 0) return;
    const text = lines.join('');
    lines = [];
    const key = partKey(prefix, parts++);
    if (store === null) return;
    const write: Promise<void> = store
      .put(key, text)
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => writes.delete(write));
    writes.add(write);
    await settle(maxWrites - 1);
  };
  return {
    async add(item: StagedItem): Promise<void> {
      lines.push(store === null ? '' : `${JSON.stringify(item)}\n`);
      if (lines.length === rowsPerPart) await flush();
    },
    /** Waits for all writes; returns the number of parts. */
    async finish(): Promise<number> {
      await flush();
      await settle(0);
      return parts;
    },
    /** Waits until nothing is being written any more, whatever became of it. */
    async abandon(): Promise<void> {
      await Promise.all(writes);
    },
  };
}

/**
 * Reads an input once, stages its items as `<prefix>/part-NNNNN.jsonl` and writes the rows that are no
 * items to the rejected file. Constant memory but for some bytes a row, see {@link parseInput}.
 *
 * Throws NO_VALID_REQUESTS when there is no item (the rejected file is written all the same),
 * UNKNOWN_MODEL when the batch's own model does not exist, INPUT_NOT_FOUND, INPUT_UNREADABLE, STORAGE_*.
 */
export async function stageInput(options: StageInputOptions): Promise<StagedInput> {
  const { source, models, spec, flow } = options;
  if (spec.model !== null && resolveModel(models, spec.model) === undefined) {
    const known = modelKeys(models).join(', ');
    throw new SluiceError('UNKNOWN_MODEL', `there is no model "${spec.model}"; there are: ${known}`);
  }
  const staged: StagedInput = { total: 0, rejected: 0, parts: 0, rowsPerPart, estimateUsd: 0, digest: '' };
  const digest = createHash('sha256');
  // What an item of another flow makes is another thing.
  if (!isPlain(flow)) digest.update(JSON.stringify(flow));
  const parts = createPartWriter(options.store, options.prefix ?? 'input');
  const shuffle = spec.shuffle === null ? null : new Shuffle(spec.shuffle.seed);
  const rejectedFile = options.rejected === null ? undefined : createRejectedFile(options.rejected);

  try {
    const parsed = parseInput(source, {
      localFiles: options.localFiles,
      models,
      format: options.format,
      encoding: options.encoding,
      defaultModel: spec.model,
      flow,
      comfy: spec.comfy,
      onNotice: (notice) => {
        staged.encodingNotice = notice;
      },
    });
    const { maxRecords } = spec;
    const take = async (item: StagedItem): Promise<void> => {
      staged.total++;
      staged.estimateUsd += item.estimateUsd;
      options.onItem?.(item);
      digest.update(`${item.id}\0${item.name}\0${item.hash}\n`);
      await parts.add(item);
    };
    for await (const result of parsed) {
      if (!result.ok) {
        staged.rejected++;
        options.onRejected?.(result.rejected);
        await rejectedFile?.add(result.rejected);
        continue;
      }
      if (shuffle !== null) await shuffle.add(result.item);
      else await take(result.item);
      if (staged.total === maxRecords) break;
    }
    if (shuffle !== null) {
      for await (const item of shuffle.items()) {
        // Where an item is in the order of the run is where its results are found.
        await take({ ...item, index: staged.total });
        if (staged.total === maxRecords) break;
      }
    }
    staged.parts = await parts.finish();
    await rejectedFile?.finish();
  } catch (error) {
    await Promise.allSettled([parts.abandon(), rejectedFile?.discard()]);
    throw error;
  } finally {
    await shuffle?.close();
  }

  if (staged.total === 0) {
    const where = staged.rejected === 0 ? 'it has no rows' : `all ${staged.rejected} rows were rejected`;
    throw new SluiceError('NO_VALID_REQUESTS', `No valid requests found in ${sourceName(source)}: ${where}`, {
      ...(staged.rejected === 0 ? { action: 'Add rows to the file.' } : {}),
      ...(staged.rejected > 0 && options.rejected !== null
        ? { action: `Correct the rows listed in ${options.rejected}` }
        : {}),
    });
  }
  return { ...staged, digest: digest.digest('hex') };
}
