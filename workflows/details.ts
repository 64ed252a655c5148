import type { BatchCounts, BatchInput, BatchState, BatchStatus } from '../domain/batch.ts';

/** Markdown for Temporal's Web UI: what a person who opens the batch there needs first. */
export function renderDetails(
  input: BatchInput,
  state: BatchState,
  status: BatchStatus,
  counts: BatchCounts,
  costUsd: number,
): string {
  const done = counts.succeeded + counts.failed + counts.skipped + counts.cancelled;
  const percent = counts.total === 0 ? 100 : Math.floor((100 * done) / counts.total);
  const budget = state.limits.budgetUsd === null ? '' : ` of ${state.limits.budgetUsd.toFixed(2)}`;
  const lines = [
    state.pause === null ? `**${status}**, ${String(percent)} % done` : `**PAUSED: ${state.pause.reason}**`,
    '',
    ...(state.pause === null
      ? []
      : [
          `Since ${state.pause.since}. ${state.pause.action}`,
          '',
          `Next: send the signal \`resume\` (or \`cancel\`) here, or run \`sluice batch resume ${input.batchId}\`.`,
          '',
        ]),
    ...(counts.waiting === 0
      ? []
      : [
          `${String(counts.waiting)} of its items wait for an answer: run \`sluice inbox --batch ${input.batchId}\`, or send the update \`answer\` to the item.`,
          '',
        ]),
    '| total | succeeded | failed | skipped | cancelled | running | waiting | pending | cost USD |',
    '|---|---|---|---|---|---|---|---|---|',
    `| ${[counts.total, counts.succeeded, counts.failed, counts.skipped, counts.cancelled, counts.running, counts.waiting, counts.pending].join(' | ')} | ${costUsd.toFixed(4)}${budget} |`,
    '',
    `Flow \`${input.flow.name}\`, ${input.mode === 'live' ? 'live provider' : 'emulated provider (no cost)'}, concurrency ${String(state.limits.concurrency)}, rate ${state.limits.ratePerMinute === null ? 'by model' : `${String(state.limits.ratePerMinute)}/min`}. Results: \`${input.storeUri}\``,
  ];
  const notices = state.notices.slice(-5);
  if (notices.length > 0) {
    lines.push('', ...notices.map((notice) => `- ${notice.at} **${notice.level}** ${notice.message}`));
  }
  return lines.join('\n');
}
