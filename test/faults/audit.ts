import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PNG } from 'pngjs';
import { z } from 'zod';
import type { BatchReport } from '../../client/batch-report.ts';
import { resultRowSchema, type ResultRow } from '../../domain/result.ts';
import { openStore } from '../../storage/open-store.ts';
import type { Sandbox } from './sandbox.ts';

const sidecarSchema = z.object({ file: z.object({ path: z.string(), bytes: z.int(), sha256: z.string() }) });

/** What can be killed. Only the worker makes calls: whatever else dies, a call under way ends and counts. */
export type Victim = 'worker' | 'server' | 'supervisor' | 'cli';

/**
 * Watches the calls of one batch over kills. An item was in flight at a kill if it had been called by
 * then and its image was not stored: if it was the worker that was killed, that call, and no other, may be
 * made once more.
 */
export class CallAccount {
  readonly #calls: Pick<Sandbox, 'callsOf'>;
  readonly #name: string;
  readonly #output: string;
  readonly #excused = new Map<string, number>();

  constructor(calls: Pick<Sandbox, 'callsOf'>, name: string, output: string) {
    this.#calls = calls;
    this.#name = name;
    this.#output = output;
  }

  /** Calls by item id. */
  calls(): Map<string, number> {
    const calls = new Map<string, number>();
    for (const { prompt } of this.#calls.callsOf(this.#name)) {
      const id = `${this.#name}-${/picture (\d+)/.exec(prompt ?? '')?.[1] ?? '?'}`;
      calls.set(id, (calls.get(id) ?? 0) + 1);
    }
    return calls;
  }

  /** To be called once the killed process is gone; returns how many items were in flight. */
  noteKill(victim: Victim): number {
    const stored = new Set(imagesIn(this.#output));
    const inFlight = [...this.calls().keys()].filter((id) => !stored.has(`${id}.png`));
    if (victim === 'worker') for (const id of inFlight) this.#excused.set(id, (this.#excused.get(id) ?? 0) + 1);
    return inFlight.length;
  }

  /** What was called more often than once and once for every kill of the worker it was in flight at. */
  problems(): string[] {
    return [...this.calls()].flatMap(([id, calls]) => {
      const allowed = 1 + (this.#excused.get(id) ?? 0);
      return calls <= allowed ? [] : [`${id} was called ${String(calls)} times, not ${String(allowed)}`];
    });
  }
}

/** Everything wrong with the directory and the report of a finished batch whose items all succeeded. */
export async function auditBatch(
  output: string,
  items: { name: string; count: number },
  report: BatchReport,
): Promise<string[]> {
  const problems: string[] = [];
  const check = (right: boolean, problem: string): void => {
    if (!right) problems.push(problem);
  };
  const rows = readRows(output);
  const ids = Array.from({ length: items.count }, (_, n) => `${items.name}-${String(n)}`);
  for (const id of ids) {
    const own = rows.filter((row) => row.request_id === id);
    check(own.length === 1, `${id} has ${String(own.length)} rows`);
    for (const row of own) problems.push(...artifactProblems(output, row).map((problem) => `${id}: ${problem}`));
  }
  check(rows.length === items.count, `${String(rows.length)} rows for ${String(items.count)} items`);
  check(imagesIn(output).length === items.count, `${String(imagesIn(output).length)} images`);
  const listed = await Array.fromAsync(openStore(pathToFileURL(output).href).list(''));
  const strange = listed.map(({ key }) => key).filter((key) => /(^|\/)\.|tmp/.test(key));
  check(strange.length === 0, `listed: ${strange.join(', ')}`);

  const { total, succeeded, failed, skipped, cancelled } = report;
  check(total === items.count, `the summary counts ${String(total)} items`);
  check(succeeded + failed + skipped + cancelled === total, `the summary does not add up: ${JSON.stringify(report)}`);
  check(succeeded + skipped === rows.filter((row) => row.status === 'succeeded').length, 'the summary is not the rows');
  const costUsd = rows.reduce((sum, row) => sum + row.cost_usd, 0);
  check(Math.abs(costUsd - report.cost_usd) < 1e-6, `cost ${String(report.cost_usd)}, rows say ${String(costUsd)}`);
  return problems;
}

function readRows(output: string): ResultRow[] {
  const file = join(output, 'results.jsonl');
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => resultRowSchema.parse(JSON.parse(line)));
}

function artifactProblems(output: string, row: ResultRow): string[] {
  if (row.status !== 'succeeded') return [`${row.status}: ${row.error_code ?? ''} ${row.error_message ?? ''}`];
  if (row.output_path === null) return ['has no output_path'];
  try {
    const image = readFileSync(join(output, row.output_path));
    const { file } = sidecarSchema.parse(
      JSON.parse(readFileSync(join(output, 'metadata', `${row.request_id}.json`), 'utf8')),
    );
    PNG.sync.read(image);
    const sha256 = createHash('sha256').update(image).digest('hex');
    return file.path === row.output_path && file.sha256 === sha256 ? [] : ['image and sidecar do not match'];
  } catch (error) {
    return [`its files cannot be read: ${String(error)}`];
  }
}

function imagesIn(output: string): string[] {
  const directory = join(output, 'images');
  return existsSync(directory) ? readdirSync(directory).filter((name) => !name.startsWith('.')) : [];
}
