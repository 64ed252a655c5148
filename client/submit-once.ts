import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { SluiceError } from '../domain/errors.ts';
import { openStore } from '../storage/open-store.ts';
import { readBatchInfo } from './batch-info.ts';
import { BatchHandle } from './batch-handle.ts';
import { displayPath } from './batch-report.ts';
import { acquireLock } from './engine/lock.ts';
import { readGlob } from './input/read-glob.ts';
import { readSource } from './input/source.ts';
import { storeUriOf } from './output-directory.ts';
import { newBatchId, submit, type Submission, type SubmitContext, type SubmitOptions } from './submit.ts';

/** What a home remembers of a key. */
const recordSchema = z.object({ fingerprint: z.string(), batch_id: z.string(), store_uri: z.string() });
type Remembered = z.output<typeof recordSchema>;

/**
 * Submits once per key: the same key with the same input and options gives the batch that was started with it, also
 * when that is over, and also when the first command was killed halfway. What a key stands for is kept in
 * `$SLUICE_HOME/submissions` before the batch is started.
 *
 * @throws SluiceError IDEMPOTENCY_MISMATCH when the key was used with another input or other options; USAGE for an
 * input that cannot be read twice; and what `submit` throws
 */
export async function submitOnce(context: SubmitContext, options: SubmitOptions, key: string): Promise<Submission> {
  if (key === '' || key.length > 255) throw new SluiceError('USAGE', 'idempotency key: must be 1 to 255 characters');
  if ('stream' in options.input) {
    throw new SluiceError('USAGE', 'idempotency key: needs an input that can be read twice', {
      action: 'Give a file instead of standard input.',
    });
  }
  const fingerprint = await fingerprintOf(options);
  const directory = join(context.engine.home, 'submissions');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = join(directory, createHash('sha256').update(key).digest('hex'));
  // Of two at once the second waits, and then finds what the first did.
  const lock = await acquireLock(`${file}.lock`);
  try {
    const known = readRecord(`${file}.json`);
    if (known !== null && known.fingerprint !== fingerprint) {
      throw new SluiceError('IDEMPOTENCY_MISMATCH', 'This key was used with another input or other options.');
    }
    const found = known === null ? null : await findSubmission(context, known);
    if (found !== null) return found;
    const batchId = known?.batch_id ?? options.batchId ?? newBatchId();
    const storeUri = known?.store_uri ?? storeUriOf(options.output ?? join(options.parent ?? '', batchId));
    keepRecord(`${file}.json`, { fingerprint, batch_id: batchId, store_uri: storeUri });
    const submission = await submit(context, { ...options, batchId, output: storeUri });
    // A directory that held a batch goes on with that one's id.
    keepRecord(`${file}.json`, { fingerprint, batch_id: submission.batchId, store_uri: submission.storeUri });
    return submission;
  } finally {
    lock.release();
  }
}

/** Null for a batch that was not started before its command died. */
async function findSubmission({ client }: SubmitContext, known: Remembered): Promise<Submission | null> {
  const { batch_id: batchId, store_uri: storeUri } = known;
  if ((await new BatchHandle(client, batchId).find()) === null) return null;
  const info = await readBatchInfo(openStore(storeUri)).catch(() => null);
  const { total = 0, rejected = 0, digest = '', rows_per_part: rowsPerPart = 1 } = info?.input ?? {};
  return {
    batchId,
    storeUri,
    output: displayPath(storeUri),
    mode: info?.mode ?? 'live',
    services: new Set(),
    attached: true,
    replayed: true,
    fromRow: 0,
    staged: { total, rejected, digest, rowsPerPart, parts: 0, estimateUsd: 0 },
  };
}

/** Of everything that was asked for: input, options, and where it goes if that is said. */
async function fingerprintOf({ input, spec, format, encoding, output }: SubmitOptions): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([spec ?? {}, format ?? 'auto', encoding ?? null]));
  hash.update(`\0${output === undefined ? '' : storeUriOf(output)}\0`);
  if ('rows' in input) hash.update(JSON.stringify(input.rows));
  else if ('glob' in input) for await (const file of readGlob(input.glob)) hash.update(`${JSON.stringify(file)}\n`);
  else for await (const chunk of readSource(input)) hash.update(chunk);
  return hash.digest('hex');
}

function readRecord(file: string): Remembered | null {
  try {
    return recordSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    // None yet. One that is damaged is as good as none: the directory itself still refuses a second batch.
    return null;
  }
}

function keepRecord(file: string, record: Remembered): void {
  const temporary = `${file}.${randomUUID()}`;
  writeFileSync(temporary, JSON.stringify(record), { mode: 0o600, flush: true });
  renameSync(temporary, file);
}
