import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { SluiceError } from '../../domain/errors.ts';
import { now } from '../shared/clock.ts';

const common = {
  /** Milliseconds since the epoch. */
  at: z.number(),
  /** Name of the GPU: several may write to one file. */
  gpu: z.string(),
};
const ofPrompt = { ...common, prompt_id: z.string() };

const gpuRowSchema = z.discriminatedUnion('event', [
  z.object({ event: z.literal('up'), ...common, device: z.string(), vram_gb: z.number() }),
  z.object({ event: z.literal('down'), ...common }),
  z.object({ event: z.literal('queued'), ...ofPrompt, number: z.number() }),
  z.object({ event: z.literal('prompt_start'), ...ofPrompt, number: z.number() }),
  z.object({ event: z.literal('load_start'), ...ofPrompt, checkpoint: z.string() }),
  z.object({ event: z.literal('load_end'), ...ofPrompt, checkpoint: z.string() }),
  z.object({ event: z.literal('sample_start'), ...ofPrompt, batch: z.int(), steps: z.int() }),
  z.object({ event: z.literal('sample_end'), ...ofPrompt, batch: z.int(), steps: z.int() }),
  z.object({
    event: z.literal('prompt_end'),
    ...ofPrompt,
    status: z.enum(['success', 'error', 'interrupted', 'lost']),
    /** Pictures saved. */
    images: z.int(),
    /** Nothing had to run. */
    cached: z.boolean(),
  }),
]);
type GpuRow = z.output<typeof gpuRowSchema>;
type Unstamped<Row> = Row extends unknown ? Omit<Row, 'at' | 'gpu'> : never;

/** JSON lines of what a GPU did and when, each handed to the operating system at once. */
export class GpuLog {
  readonly #fd: number | undefined;
  readonly #gpu: string;

  /** @throws SluiceError USAGE when the file cannot be written. */
  constructor(path: string | undefined, gpu: string) {
    this.#gpu = gpu;
    if (path === undefined) return;
    try {
      mkdirSync(dirname(path), { recursive: true });
      this.#fd = openSync(path, 'a');
    } catch (error) {
      throw new SluiceError('USAGE', `The GPU log cannot be written: ${path}`, { cause: error });
    }
  }

  write(row: Unstamped<GpuRow>): void {
    if (this.#fd !== undefined) writeSync(this.#fd, `${JSON.stringify({ at: now(), gpu: this.#gpu, ...row })}\n`);
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
  }
}

/** The rows of a log in order of time. */
export function readGpuLog(path: string): GpuRow[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((line) => (line.endsWith('}') ? [gpuRowSchema.parse(JSON.parse(line))] : []))
    .sort((a, b) => a.at - b.at);
}

export interface GpuReport {
  gpu: string;
  /** From the first prompt's start to the last one's end. */
  spanMs: number;
  busyMs: number;
  /** 0 to 1; 1 for a GPU that had nothing to do. */
  busyShare: number;
  /** Times between two prompts, in order. */
  gaps: { afterPrompt: string; ms: number }[];
  /** Prompts that ran to some end, by it. */
  prompts: Record<'success' | 'error' | 'interrupted' | 'lost', number>;
  images: number;
  /** Checkpoints loaded, in order. */
  loads: string[];
}

/** What each GPU of a log did: loading and sampling is work, a gap between two prompts is not. */
export function reportGpus(rows: GpuRow[]): GpuReport[] {
  return [...Map.groupBy(rows, ({ gpu }) => gpu)].map(([gpu, own]) => reportGpu(gpu, own));
}

function reportGpu(gpu: string, rows: GpuRow[]): GpuReport {
  const report: GpuReport = {
    gpu,
    spanMs: 0,
    busyMs: 0,
    busyShare: 1,
    gaps: [],
    prompts: { success: 0, error: 0, interrupted: 0, lost: 0 },
    images: 0,
    loads: [],
  };
  let startedAt: number | undefined;
  let last: { promptId: string; at: number } | undefined;
  for (const row of rows) {
    if (row.event === 'load_start') report.loads.push(row.checkpoint);
    if (row.event === 'prompt_start') {
      if (last !== undefined) report.gaps.push({ afterPrompt: last.promptId, ms: row.at - last.at });
      startedAt = row.at;
    }
    if (row.event === 'prompt_end') {
      report.prompts[row.status] += 1;
      report.images += row.images;
      if (startedAt !== undefined) report.busyMs += row.at - startedAt;
      startedAt = undefined;
      last = { promptId: row.prompt_id, at: row.at };
    }
  }
  report.spanMs = report.busyMs + report.gaps.reduce((sum, { ms }) => sum + ms, 0);
  if (report.spanMs > 0) report.busyShare = report.busyMs / report.spanMs;
  return report;
}
