import { describe, expect, test } from 'vitest';
import type { BatchCounts, BatchSummary } from '../../domain/batch.ts';
import { limitsSchema } from '../../domain/batch-spec.ts';
import { addFailure, emptyFailureDigest } from '../../domain/report-failures.ts';
import type { ReportInput } from '../../domain/report-input.ts';
import { renderReport } from '../../domain/report.ts';
import type { ResultRow } from '../../domain/result.ts';
import { addResult, emptyTally, totalCostUsd } from '../../domain/tally.ts';
import { failedRow, resultRow } from './result-rows.ts';

interface Change extends Partial<Omit<ReportInput, 'summary'>> {
  rows?: ResultRow[];
  counts?: Partial<BatchCounts>;
  summary?: Partial<BatchSummary>;
}

/** A report of a batch with these rows; without any, of two items that succeeded. */
function report({ rows = [resultRow(), resultRow()], counts, summary, ...change }: Change = {}): string {
  const tally = emptyTally();
  const failures = emptyFailureDigest();
  for (const row of rows) {
    addResult(tally, row);
    addFailure(failures, row);
  }
  const { succeeded, failed, cancelled } = tally;
  return renderReport({
    summary: {
      batchId: 'prompts-1',
      flow: 'image',
      storeUri: 'file:///data/out',
      mode: 'live',
      status: failed > 0 ? 'failed' : 'succeeded',
      counts: {
        total: rows.length,
        succeeded,
        failed,
        cancelled,
        skipped: 0,
        rejected: 0,
        running: 0,
        waiting: 0,
        pending: 0,
        ...counts,
      },
      costUsd: totalCostUsd(tally),
      startedAt: '2026-01-01T10:00:00.000Z',
      finishedAt: '2026-01-01T10:01:05.000Z',
      durationSeconds: 65,
      notices: [],
      rows: rows.length,
      ...summary,
    },
    project: 'default',
    source: 'prompts.csv',
    rejectedFile: null,
    limits: limitsSchema.parse({}),
    tally,
    failures,
    ...change,
  });
}

function recommendations(text: string): string {
  return text.slice(text.indexOf('## Recommendations'));
}

test('it tells the job, the results, time and cost, and the models', () => {
  const text = report({
    rows: [resultRow(), resultRow(), resultRow(), failedRow({ cost_usd: 0 })],
    counts: { total: 6, skipped: 1, cancelled: 1, rejected: 2 },
  });
  expect(text).toMatch(/^# Report of batch prompts-1\n/);
  for (const line of [
    '| Status | failed |',
    '| Input | prompts.csv |',
    '| Started | 2026-01-01T10:00:00.000Z |',
    '| Rate limit | 60 requests a minute |',
    '| Succeeded | 3 | 37.5% |',
    '| Failed | 1 | 12.5% |',
    '| Skipped (done before) | 1 | 12.5% |',
    '| Cancelled | 1 | 12.5% |',
    '| Rejected rows | 2 | 25% |',
    '| **All** | 8 | 100% |',
    '| Duration | 1 m 05 s |',
    '| Average time per item | 2.5 s |',
    '| Items per minute | 3.7 |',
    '| Total cost | $0.117 |',
    '| Cost per item | $0.0293 |',
    '| gemini-2.5-flash-image | 4 | 4 | 40 | 5,160 | 4 | $0.117 |',
  ]) {
    expect(text.split('\n')).toContain(line);
  }
});

test('a batch without any finished item has no averages', () => {
  const text = report({ rows: [], counts: { total: 3, pending: 3 }, summary: { durationSeconds: 0 } });
  expect(text).toContain('| Average time per item | – |');
  expect(text).toContain('| Cost per item | – |');
  expect(text).toContain('| Unfinished | 3 | 100% |');
  expect(text).toContain('No model was called.');
  expect(text).not.toContain('NaN');
});

describe('failed items', () => {
  test('are counted by error and listed, the first fifty of them', () => {
    const timeouts = Array.from({ length: 60 }, (_, item) => failedRow({ request_id: `item-${String(item)}` }));
    const blocked = failedRow({ request_id: 'bad', error_code: 'CONTENT_BLOCKED', error_message: 'Refused.' });
    const text = report({ rows: [blocked, ...timeouts] });
    expect(text).toContain('| `TIMEOUT` | 60 | 98.4% |\n| `CONTENT_BLOCKED` | 1 | 1.6% |');
    expect(text).toContain('| bad | `CONTENT_BLOCKED` | Refused. | gemini-2.5-flash-image | 1 |');
    expect(text).toContain('| item-48 |');
    expect(text).not.toContain('| item-49 |');
    expect(text).toContain('… and 11 more in results.jsonl.');
  });

  test('cannot break the page with what they say', () => {
    const rows = [failedRow({ request_id: 'a|b', error_message: 'line\n## Heading `x` <img src=x>' })];
    expect(report({ rows })).toContain(
      String.raw`| a\|b | ${'`TIMEOUT`'} | line \#\# Heading \`x\` \<img src=x\> | gemini-2.5-flash-image | 1 |`,
    );
  });

  test('have no section when there are none', () => {
    expect(report()).not.toContain('## Failed items');
  });
});

describe('recommendations', () => {
  test('are none when all went well', () => {
    expect(recommendations(report())).toBe('## Recommendations\n\nNone: nothing needs attention.\n');
  });

  test('say for each error what to do, the most frequent first, and how to run the items again', () => {
    const rows = [failedRow({ error_code: 'AUTH' }), failedRow(), failedRow()];
    const text = recommendations(report({ rows }));
    expect(text.indexOf('`TIMEOUT` (2 items): Retry')).toBeGreaterThan(0);
    expect(text.indexOf('`AUTH` (1 item): Check the API key of the vendor it names')).toBeGreaterThan(
      text.indexOf('TIMEOUT'),
    );
    expect(text).toContain('`sluice batch retry prompts-1`');
  });

  test('name the file of the rejected rows', () => {
    const text = recommendations(report({ counts: { rejected: 1 }, rejectedFile: 'prompts.csv.rejected.csv' }));
    expect(text).toContain('1 row was rejected (reasons: `prompts.csv.rejected.csv`)');
  });

  test('say what a used-up budget lacks', () => {
    const text = recommendations(
      report({
        counts: { total: 12, pending: 10 },
        summary: { status: 'paused' },
        limits: limitsSchema.parse({ budgetUsd: 0.1 }),
      }),
    );
    expect(text).toContain('The budget is used up ($0.078 of $0.10); 10 items to go, about $0.39 more');
    expect(text).toContain('`sluice batch resume prompts-1 --budget USD`');
  });

  test('do not speak of a budget that is not what stopped the batch', () => {
    const limits = limitsSchema.parse({ budgetUsd: 5 });
    expect(recommendations(report({ counts: { cancelled: 3 }, limits }))).not.toContain('budget');
  });

  test('say so when the rate limit set the pace', () => {
    const rows = Array.from({ length: 300 }, () => resultRow());
    expect(recommendations(report({ rows, summary: { durationSeconds: 300 } }))).toContain('raise --rate-limit');
    expect(recommendations(report({ rows, summary: { durationSeconds: 600 } }))).not.toContain('--rate-limit');
  });

  test('say that emulated results are not real', () => {
    expect(recommendations(report({ summary: { mode: 'emulated' } }))).toContain('set the keys of the models used');
  });
});

test('notices are told with their time', () => {
  const notice = { at: '2026-01-01T10:00:30.000Z', level: 'escalation', message: 'High failure rate: a|b' } as const;
  expect(report({ summary: { notices: [notice] } })).toContain(
    String.raw`- 2026-01-01T10:00:30.000Z escalation: High failure rate: a\|b`,
  );
});

test('items that ran again are said to count each time', () => {
  const text = report({ rows: [failedRow(), resultRow()], counts: { total: 1, failed: 0, succeeded: 1 } });
  expect(text).toContain('Items that were run again count each time.');
});
