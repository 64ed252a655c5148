import type { BatchStanding, GpuStanding, Overview } from '../../client/overview.ts';
import type { ModelLoad } from '../../client/model-loads.ts';
import type { PromptUnderWay } from '../../client/prompts-under-way.ts';
import type { BatchStats } from '../../client/stats.ts';
import { formatCount, formatDuration, formatUsd } from '../../domain/format.ts';
import { columns } from './columns.ts';

/** Batches as a table, the most lately started first, GPUs below, and models that are in use. */
export function renderOverview({ batches, gpus, models }: Overview): string {
  const table = batches.length === 0 ? 'No batch runs.' : columns([batchHeader, ...batches.map(batchRow)]);
  const used = models.length === 0 ? '' : `\n\n${columns([modelHeader, ...models.map(modelRow)])}`;
  return `${table}\n\n${columns([gpuHeader, ...gpus.map(gpuRow)])}${used}`;
}

/** The prompts of one batch on GPUs, and how many items go first; empty if there is nothing to tell. */
export function renderPrompts(prompts: readonly PromptUnderWay[], ahead: number | null): string {
  return [
    ...(ahead === null || ahead === 0 ? [] : [`Queue: ${formatCount(ahead)} items of other batches go first.`]),
    ...(prompts.length === 0 ? [] : ['On GPUs:']),
    ...prompts.map((prompt) => `  ${prompt.item_id}  ${prompt.endpoint}  ${renderStep(prompt)}  ${prompt.label}`),
  ].join('\n');
}

/** Where a prompt is: `step 7/20`; before its first step it waits, or a model is loaded. */
export function renderStep({ step }: Pick<PromptUnderWay, 'step'>): string {
  return step === null ? 'no step yet' : `step ${String(step.value)}/${String(step.max)}`;
}

export function renderStats({ batches, items, images, images_per_minute: rate, cost_usd, gone }: BatchStats): string {
  const { all, ...states } = batches;
  const byState = Object.entries(states).filter(([, count]) => count > 0);
  const detail = byState.map(([state, count]) => `${state} ${formatCount(count)}`).join(', ');
  const tried = items.succeeded + items.failed;
  const cancelled = items.cancelled === 0 ? '' : `, cancelled ${formatCount(items.cancelled)}`;
  const open = items.running + items.waiting + items.pending;
  return [
    `batches   ${formatCount(all)}${detail === '' ? '' : ` (${detail})`}`,
    `items     ${formatCount(items.total)}: succeeded ${formatCount(items.succeeded)}, failed ${formatCount(items.failed)}${cancelled}, not done ${formatCount(open)}`,
    `failures  ${tried === 0 ? '–' : `${((100 * items.failed) / tried).toFixed(1)}% of those tried`}`,
    `pictures  ${formatCount(images)}${rate === null ? '' : `, ${rate.toFixed(1)} a minute while a batch ran`}`,
    `cost      ${formatUsd(cost_usd)}`,
    ...(gone === 0
      ? []
      : [`gone      ${formatCount(gone)} batches whose directory is no more, nor are their pictures counted`]),
  ].join('\n');
}

const batchHeader = ['BATCH', 'STATUS', 'FLOW', 'PRIORITY', 'DONE', 'FAILED', 'PICTURES', 'RUNNING', 'AHEAD'];

function batchRow(batch: BatchStanding): string[] {
  const { succeeded, failed, skipped, cancelled, total } = batch;
  return [
    batch.batch_id,
    batch.status,
    batch.flow,
    batch.priority,
    `${formatCount(succeeded + failed + skipped + cancelled)}/${formatCount(total)}`,
    formatCount(failed),
    formatCount(batch.images),
    formatCount(batch.running),
    batch.ahead === null ? '-' : formatCount(batch.ahead),
  ];
}

const modelHeader = ['MODEL', 'CALLS', 'REQUESTS/MIN', 'TOKENS/MIN', 'IMAGES/MIN', 'PACE'];

function modelRow(load: ModelLoad): string[] {
  const { model, mode, in_flight: calls, requests, tokens, images } = load;
  const name = mode === 'live' ? model : `${model} (emulated)`;
  return [name, ...[calls, requests, tokens, images].map(formatCount), renderPace(load)];
}

/** Whether a model is slowed down, and why. */
export function renderPace({ slowed_to: slowedTo, resting_ms: restingMs }: ModelLoad): string {
  const slowed = slowedTo === null ? [] : [`slowed to ${String(slowedTo)} at once by its vendor`];
  const rests = restingMs === 0 ? [] : [`rests ${formatDuration(restingMs / 1000)} more`];
  return [...slowed, ...rests].join(', ') || 'full';
}

const gpuHeader = ['GPU', 'ALIVE', 'CLASSES', 'PROMPTS', 'ADDRESS', 'DEVICE'];

function gpuRow({ name, alive, classes, url, detail, running, waiting }: GpuStanding): string[] {
  const prompts = running === null || waiting === null ? '-' : String(running + waiting);
  return [name, alive ? 'yes' : 'NO', classes.join(','), prompts, url, detail];
}
