import type { BatchReport } from '../../client/batch-report.ts';
import { formatCount, formatDuration, formatPercent, formatUsd } from '../../domain/format.ts';

/** The text a command ends with. */
export function renderSummary(report: BatchReport): string {
  const attempted = report.succeeded + report.failed;
  const rate = attempted === 0 ? '' : ` (${formatPercent(report.succeeded / attempted)} of those tried)`;
  const perMinute = report.duration_seconds > 0 ? (attempted * 60) / report.duration_seconds : 0;
  return [
    `Batch ${report.batch_id}: ${report.status}`,
    `  succeeded  ${formatCount(report.succeeded)} of ${formatCount(report.total)}${rate}`,
    ...line('failed', report.failed),
    ...line('skipped', report.skipped, 'done before'),
    ...line('rejected', report.rejected, 'rows, see the .rejected.csv file'),
    ...line('cancelled', report.cancelled),
    ...line('running', report.running),
    ...line('waiting', report.waiting, 'for an answer'),
    ...line('pending', report.pending),
    ...(report.images === report.succeeded + report.skipped ? [] : line('pictures', report.images)),
    `  time       ${formatDuration(report.duration_seconds)}, ${perMinute.toFixed(1)} items a minute`,
    `  cost       ${formatUsd(report.cost_usd)}${report.mode === 'emulated' ? ' by the price list; emulated, so nothing was charged' : ''}`,
    `  output     ${report.output}`,
    ...(report.paused_reason === null ? [] : [`Paused: ${report.paused_reason}`, `  ${report.paused_action ?? ''}`]),
  ].join('\n');
}

function line(label: string, count: number, note = ''): string[] {
  return count === 0 ? [] : [`  ${label.padEnd(10)} ${formatCount(count)}${note === '' ? '' : ` (${note})`}`];
}

/** What to do next, by how the batch stands; null if nothing is. */
export function nextStep(report: BatchReport): string | null {
  const id = report.batch_id;
  switch (report.status) {
    case 'waiting':
      return `Answer what it asks: sluice inbox --batch ${id}`;
    case 'paused':
      return `Go on with: sluice batch resume ${id}`;
    case 'failed':
      return `See why with: sluice batch jobs ${id} --status failed; run them again with: sluice batch retry ${id}`;
    case 'cancelled':
      return `Do the rest with: sluice batch retry ${id}`;
    case 'running':
      return `Follow it with: sluice batch watch ${id}`;
    case 'succeeded':
    case 'terminated':
      return null;
  }
}
