import { formatCount, formatDuration, formatUsd } from '../../domain/format.ts';
import type { PromptUnderWay } from '../../client/prompts-under-way.ts';
import type { BatchProgress, RunningItem } from '../../domain/batch.ts';
import { renderStep } from './overview.ts';

const barWidth = 30;
const maxRunning = 8;

/** Finished items a minute over the last half minute, from the answers seen so far. */
export class RateMeter {
  private readonly samples: { atMs: number; done: number }[] = [];

  add(atMs: number, done: number): void {
    this.samples.push({ atMs, done });
    while (this.samples.length > 2 && atMs - (this.samples[0]?.atMs ?? 0) > 30_000) this.samples.shift();
  }

  /** 0 while nothing is known. */
  get perMinute(): number {
    const first = this.samples[0];
    const last = this.samples.at(-1);
    if (first === undefined || last === undefined || last.atMs === first.atMs) return 0;
    return ((last.done - first.done) * 60_000) / (last.atMs - first.atMs);
  }
}

export function doneOf({ counts }: Pick<BatchProgress, 'counts'>): number {
  return counts.succeeded + counts.failed + counts.skipped + counts.cancelled;
}

/**
 * The live block of a terminal: bar, share, rate, ETA, cost, and what is being worked on: of sprites those
 * first that have a prompt on a GPU.
 */
export function renderBlock(
  progress: BatchProgress,
  perMinute: number,
  nowMs: number,
  columns: number,
  prompts: readonly PromptUnderWay[] = [],
): string {
  const { counts, limits } = progress;
  const done = doneOf(progress);
  const share = counts.total === 0 ? 1 : done / counts.total;
  const filled = Math.round(share * barWidth);
  const left = counts.total - done;
  const eta = perMinute > 0 && left > 0 ? `, ETA ${formatDuration((left * 60) / perMinute)}` : '';
  const elapsed = formatDuration((nowMs - progress.startedAtMs) / 1000);
  const budget = limits.budgetUsd === null ? '' : ` of ${formatUsd(limits.budgetUsd)}`;
  const lines = [
    `[${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)}] ${String(Math.floor(share * 100))}%  ${formatCount(done)}/${formatCount(counts.total)}  ${perMinute.toFixed(1)}/min  ${elapsed}${eta}`,
    `  done ${formatCount(counts.succeeded + counts.skipped)} · failed ${formatCount(counts.failed)} · running ${String(counts.running)}${counts.waiting === 0 ? '' : ` · waiting ${formatCount(counts.waiting)}`} · pending ${formatCount(counts.pending)} · cost ${formatUsd(progress.costUsd)}${budget}${progress.mode === 'emulated' ? ' (emulated)' : ''}`,
    ...(progress.pause === null ? [] : [`  PAUSED: ${progress.pause.reason}`]),
    ...runningFirst(progress.running, prompts)
      .slice(0, maxRunning)
      .map(
        ({ label, model, seed, startedAtMs, place }) =>
          `  → ${label}  ${model}  seed ${String(seed)}  ${formatDuration((nowMs - startedAtMs) / 1000)}${place}`,
      ),
    ...(progress.running.length > maxRunning ? [`  … and ${String(progress.running.length - maxRunning)} more`] : []),
  ];
  return lines.map((line) => clip(line, columns)).join('\n');
}

function runningFirst(
  running: readonly RunningItem[],
  prompts: readonly PromptUnderWay[],
): (RunningItem & { place: string })[] {
  const byItem = new Map(prompts.map((prompt) => [prompt.item_id, prompt]));
  const placed = running.map((item) => {
    const prompt = byItem.get(item.itemId);
    return { ...item, place: prompt === undefined ? '' : `  ${prompt.endpoint} ${renderStep(prompt)}` };
  });
  return [...placed.filter(({ place }) => place !== ''), ...placed.filter(({ place }) => place === '')];
}

/** The same as one line, for pipes and logs. */
export function renderLine(progress: BatchProgress, perMinute: number): string {
  const { counts } = progress;
  return `${progress.status} ${String(doneOf(progress))}/${String(counts.total)} done, ${String(counts.failed)} failed, ${String(counts.running)} running,${counts.waiting === 0 ? '' : ` ${String(counts.waiting)} waiting,`} ${perMinute.toFixed(1)}/min, ${formatUsd(progress.costUsd)}`;
}

function clip(line: string, columns: number): string {
  const characters = [...line];
  return characters.length <= columns ? line : `${characters.slice(0, columns - 1).join('')}…`;
}
