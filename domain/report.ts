import type { BatchSummary } from './batch.ts';
import { formatCount, formatDuration, formatPercent, formatUsd } from './format.ts';
import type { FailureDigest } from './report-failures.ts';
import type { ReportInput } from './report-input.ts';
import { codeSpan, escapeMarkdown, markdownTable } from './report-markdown.ts';
import { recommendations } from './report-recommendations.ts';

/** The batch's report for people, `report.md`: what came out, what it took, what to do next. */
export function renderReport(input: ReportInput): string {
  const sections = [
    `# Report of batch ${escapeMarkdown(input.summary.batchId)}`,
    section('Job', jobTable(input)),
    section('Results', resultsTable(input.summary)),
    section('Time and cost', figuresTable(input)),
    section('Models', modelsTable(input)),
    ...(input.failures.total > 0 ? [section('Failed items', failedTables(input.failures))] : []),
    ...(input.summary.notices.length > 0 ? [section('Notices', notices(input.summary))] : []),
    section('Recommendations', list(recommendations(input), 'None: nothing needs attention.')),
  ];
  return `${sections.join('\n\n')}\n`;
}

function jobTable({ summary, project, source, limits }: ReportInput): string {
  const rate = limits.ratePerMinute === null ? "the models' own" : `${String(limits.ratePerMinute)} requests a minute`;
  return markdownTable(
    'll',
    ['Field', 'Value'],
    [
      ['Batch', escapeMarkdown(summary.batchId)],
      ['Status', escapeMarkdown(summary.status)],
      ['Flow', escapeMarkdown(summary.flow)],
      ['Project', escapeMarkdown(project)],
      ['Input', escapeMarkdown(source)],
      ['Output', escapeMarkdown(summary.storeUri, 1_000)],
      ['Provider', summary.mode === 'live' ? 'live' : 'emulated'],
      ['Started', escapeMarkdown(summary.startedAt)],
      ['Finished', escapeMarkdown(summary.finishedAt)],
      ['Concurrency', String(limits.concurrency)],
      ['Rate limit', rate],
      ['Budget', limits.budgetUsd === null ? 'none' : formatUsd(limits.budgetUsd)],
    ],
  );
}

function resultsTable({ counts }: BatchSummary): string {
  const rows = counts.total + counts.rejected;
  const line = (label: string, count: number): string[] => [label, formatCount(count), share(count, rows)];
  const unfinished = counts.running + counts.pending;
  return markdownTable(
    'lrr',
    ['Result', 'Items', 'Share'],
    [
      line('Succeeded', counts.succeeded),
      line('Failed', counts.failed),
      line('Skipped (done before)', counts.skipped),
      line('Cancelled', counts.cancelled),
      line('Rejected rows', counts.rejected),
      ...(unfinished > 0 ? [line('Unfinished', unfinished)] : []),
      line('**All**', rows),
    ],
  );
}

function figuresTable({ summary, tally, limits }: ReportInput): string {
  const { counts, durationSeconds, costUsd } = summary;
  const finished = counts.succeeded + counts.failed;
  const timed = tally.succeeded + tally.failed;
  const perMinute = durationSeconds > 0 ? (finished * 60) / durationSeconds : 0;
  const note = summary.mode === 'emulated' && costUsd > 0 ? ' (emulated: not charged)' : '';
  return markdownTable(
    'lr',
    ['Figure', 'Value'],
    [
      ['Duration', formatDuration(durationSeconds)],
      ['Average time per item', timed > 0 ? formatDuration(tally.processingMs / 1_000 / timed) : '–'],
      ['Items per minute', finished > 0 ? perMinute.toFixed(1) : '–'],
      ['Total cost', `${formatUsd(costUsd)}${note}`],
      ['Cost per item', finished > 0 ? formatUsd(costUsd / finished) : '–'],
      ...(limits.budgetUsd === null ? [] : [['Budget left', formatUsd(Math.max(0, limits.budgetUsd - costUsd))]]),
    ],
  );
}

function modelsTable({ tally, summary }: ReportInput): string {
  if (tally.models.length === 0) return 'No model was called.';
  const header = ['Model', 'Items', 'Calls', 'Input tokens', 'Output tokens', 'Images', 'Cost'];
  const rows = tally.models.map((model) => [
    escapeMarkdown(model.model),
    ...[model.items, model.calls, model.inputTokens, model.outputTokens, model.images].map(formatCount),
    formatUsd(model.costMicroUsd / 1_000_000),
  ]);
  const table = markdownTable('lrrrrrr', header, rows);
  const runs = tally.succeeded + tally.failed + tally.cancelled;
  const { succeeded, failed, cancelled } = summary.counts;
  return runs > succeeded + failed + cancelled ? `${table}\n\nItems that were run again count each time.` : table;
}

function failedTables({ total, byCode, first }: FailureDigest): string {
  const codes = byCode
    .toSorted((a, b) => b.count - a.count)
    .map(({ code, count }) => [codeSpan(code), formatCount(count), share(count, total)]);
  const rows = first.map((item) => [
    escapeMarkdown(item.requestId, 80),
    codeSpan(item.code),
    escapeMarkdown(item.message),
    escapeMarkdown(item.model),
    String(item.calls),
  ]);
  const more = total - first.length;
  return [
    markdownTable('lrr', ['Error', 'Items', 'Share of failed'], codes),
    markdownTable('llllr', ['Item', 'Error', 'Message', 'Model', 'Calls'], rows),
    ...(more > 0 ? [`… and ${formatCount(more)} more in results.jsonl.`] : []),
  ].join('\n\n');
}

function notices({ notices: entries }: BatchSummary): string {
  const lines = entries.map(
    (entry) => `${escapeMarkdown(entry.at)} ${entry.level}: ${escapeMarkdown(entry.message, 500)}`,
  );
  return list(lines, 'None.');
}

function section(title: string, body: string): string {
  return `## ${title}\n\n${body}`;
}

function list(lines: string[], ifEmpty: string): string {
  return lines.length === 0 ? ifEmpty : lines.map((line) => `- ${line}`).join('\n');
}

function share(part: number, whole: number): string {
  return whole === 0 ? '–' : formatPercent(part / whole);
}
