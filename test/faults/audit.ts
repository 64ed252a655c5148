import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PNG } from 'pngjs';
import { z } from 'zod';
import type { BatchReport } from '../../client/batch-report.ts';
import { resultRowSchema, type ResultRow } from '../../domain/result.ts';
import { parseStepRecord } from '../../domain/step-record.ts';
import { openStore } from '../../storage/open-store.ts';
import type { Sandbox } from './sandbox.ts';

const sidecarSchema = z.object({ file: z.object({ path: z.string(), bytes: z.int(), sha256: z.string() }) });

/** What can be killed. Only the worker makes calls: whatever else dies, a call under way ends and counts. */
export type Victim = 'worker' | 'server' | 'supervisor' | 'cli';

/**
 * Watches the calls of one batch over kills. An item was in flight at a kill if more had been asked for it by
 * then than was stored, image or records of steps: if it was the worker that was killed, one call of it, and no
 * other, may be made once more. No two calls of an item are to ask the same otherwise.
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

  /** What was asked, by item id, in order. */
  asked(): Map<string, string[]> {
    const asked = new Map<string, string[]>();
    for (const { prompt } of this.#calls.callsOf(this.#name)) {
      const id = `${this.#name}-${/picture (\d+)/.exec(prompt ?? '')?.[1] ?? '?'}`;
      asked.set(id, [...(asked.get(id) ?? []), prompt ?? '']);
    }
    return asked;
  }

  /** To be called once the killed process is gone; returns how many items were in flight. */
  noteKill(victim: Victim): number {
    const inFlight = [...this.asked()]
      .filter(([id, prompts]) => new Set(prompts).size > storedOf(this.#output, id))
      .map(([id]) => id);
    if (victim === 'worker') for (const id of inFlight) this.#excused.set(id, (this.#excused.get(id) ?? 0) + 1);
    return inFlight.length;
  }

  /** What was asked again more often than the worker was killed while the item was in flight. */
  problems(): string[] {
    return [...this.asked()].flatMap(([id, prompts]) => {
      const again = prompts.length - new Set(prompts).size;
      const allowed = this.#excused.get(id) ?? 0;
      return again <= allowed ? [] : [`${id} was called ${String(again)} times again, not ${String(allowed)}`];
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
  const folder = dirname(rows[0]?.output_path ?? 'images/none');
  check(filesIn(output, folder).length === items.count, `${String(filesIn(output, folder).length)} files in ${folder}`);
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
    const bytes = readFileSync(join(output, row.output_path));
    const { file } = sidecarSchema.parse(
      JSON.parse(readFileSync(join(output, 'metadata', `${row.request_id}.json`), 'utf8')),
    );
    if (row.output_path.endsWith('.png')) PNG.sync.read(bytes);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return file.path === row.output_path && file.sha256 === sha256 ? [] : ['file and sidecar do not match'];
  } catch (error) {
    return [`its files cannot be read: ${String(error)}`];
  }
}

/** How many paid answers of an item are stored: its image, or the records of its steps that called a model. */
function storedOf(output: string, id: string): number {
  const records = join('steps', id);
  if (!existsSync(join(output, records))) return existsSync(join(output, `images/${id}.png`)) ? 1 : 0;
  const paid = filesIn(output, records).filter((name) => {
    const model = parseStepRecord(readFileSync(join(output, records, name), 'utf8'))?.model;
    return typeof model === 'string';
  });
  return paid.length;
}

function filesIn(output: string, folder: string): string[] {
  const directory = join(output, folder);
  if (!existsSync(directory)) return [];
  const entries = readdirSync(directory, { withFileTypes: true });
  return entries.filter((entry) => entry.isFile() && !entry.name.startsWith('.')).map(({ name }) => name);
}
