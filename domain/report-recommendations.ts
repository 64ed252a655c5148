import { errorCatalog, type ErrorCode } from './errors.ts';
import { formatCount, formatUsd } from './format.ts';
import { codeSpan, escapeMarkdown } from './report-markdown.ts';
import type { ReportInput } from './report-input.ts';

/** What to do next, most important first, as lines of Markdown; empty when there is nothing to do. */
export function recommendations(input: ReportInput): string[] {
  return [
    ...budget(input),
    ...failures(input),
    ...rejected(input),
    ...cancelled(input),
    ...pace(input),
    ...mode(input),
  ];
}

function budget({ summary, limits }: ReportInput): string[] {
  const { counts, costUsd, batchId, status } = summary;
  const undone = counts.pending + counts.cancelled;
  const finished = counts.succeeded + counts.failed;
  if (limits.budgetUsd === null || undone === 0 || finished === 0) return [];
  const perItem = costUsd / finished;
  if (costUsd + perItem <= limits.budgetUsd) return [];
  const how =
    status === 'paused' || status === 'running'
      ? `raise the budget with ${codeSpan(`sluice batch resume ${batchId} --budget USD`)}`
      : 'run the batch again with --resume and a higher budget';
  const spent = `${formatUsd(costUsd)} of ${formatUsd(limits.budgetUsd)}`;
  return [
    `The budget is used up (${spent}); ${items(undone)} to go, about ${formatUsd(perItem * undone)} more: ${how}.`,
  ];
}

function failures({ summary, failures: digest }: ReportInput): string[] {
  if (digest.total === 0) return [];
  const byCode = digest.byCode
    .toSorted((a, b) => b.count - a.count)
    .map(({ code, count }) => `${codeSpan(code)} (${items(count)}): ${advice(code)}`);
  return [...byCode, `Run the failed items again with ${codeSpan(`sluice batch retry ${summary.batchId}`)}.`];
}

function advice(code: ErrorCode): string {
  // The catalogue speaks of one call; an item that failed for good needs another rate.
  return code === 'RATE_LIMITED'
    ? "Lower --rate-limit, or the model's limits in models.yaml, to what the provider's quota allows."
    : escapeMarkdown(errorCatalog[code].action);
}

function rejected({ summary, rejectedFile }: ReportInput): string[] {
  const { rejected: count } = summary.counts;
  if (count === 0) return [];
  const where = rejectedFile === null ? '' : ` (reasons: ${codeSpan(rejectedFile)})`;
  const rows = count === 1 ? '1 row was' : `${formatCount(count)} rows were`;
  return [`${rows} rejected${where}: correct them and run the batch again with --resume.`];
}

function cancelled({ summary }: ReportInput): string[] {
  const { cancelled: count } = summary.counts;
  if (count === 0) return [];
  return [`${items(count)} ended without a result because the batch did: run it again with --resume to finish.`];
}

function pace({ summary, limits, tally }: ReportInput): string[] {
  // Shorter than two minutes, the first minute's allowance hides what set the pace.
  if (limits.ratePerMinute === null || summary.durationSeconds < 120) return [];
  const calls = tally.models.reduce((sum, model) => sum + model.calls, 0);
  if ((calls / summary.durationSeconds) * 60 < 0.9 * limits.ratePerMinute) return [];
  return [
    `The rate limit of ${String(limits.ratePerMinute)} requests a minute set the pace: raise --rate-limit if the provider's quota allows more.`,
  ];
}

function mode({ summary }: ReportInput): string[] {
  if (summary.mode === 'live') return [];
  return [
    'The results are emulated and were not charged: for real ones, set the keys of the models used, or list your ComfyUI servers under gpus: in the configuration, and run a new batch.',
  ];
}

function items(count: number): string {
  return count === 1 ? '1 item' : `${formatCount(count)} items`;
}
