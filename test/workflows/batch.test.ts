import { describe, expect, test } from 'vitest';
import { rows } from '../support/rig.ts';
import { useNamespace } from '../support/use-namespace.ts';

const { rig: newRig } = useNamespace();

describe.concurrent('a batch', () => {
  test('makes every image with one call each and leaves images, sidecars, results, report and summary', async () => {
    const rig = await newRig();
    await rig.submit(rows(12), { spec: { limits: { concurrency: 4 } } });
    const summary = await rig.summary();

    expect(summary).toMatchObject({ status: 'succeeded', rows: 12, notices: [] });
    expect(summary.counts).toEqual({
      total: 12,
      succeeded: 12,
      failed: 0,
      skipped: 0,
      rejected: 0,
      cancelled: 0,
      running: 0,
      waiting: 0,
      pending: 0,
    });
    expect(summary.costUsd).toBeCloseTo(1.2, 6);
    expect(
      rig
        .calls()
        .map((call) => call.prompt)
        .sort(),
    ).toEqual(
      rows(12)
        .map((row) => row.prompt)
        .sort(),
    );
    expect(rig.files('images')).toHaveLength(12);
    expect(rig.files('metadata')).toHaveLength(12);
    expect(
      rig
        .results()
        .map((row) => row.index)
        .sort((a, b) => a - b),
    ).toEqual([...Array(12).keys()]);
    for (const row of rig.results()) {
      expect(row).toMatchObject({ status: 'succeeded', calls: 1, images: 1, cost_usd: 0.1, error_code: null });
      expect(rig.files('images').map((file) => `images/${file}`)).toContain(row.output_path);
    }
    const partRows = rig.files('results').flatMap((part) => rig.read(`results/${part}`).trimEnd().split('\n'));
    expect(partRows).toHaveLength(12);
    expect(JSON.parse(rig.read('manifest.json'))).toMatchObject({
      batch_id: rig.batchId,
      status: 'succeeded',
      total: 12,
      finished: 12,
      pending: 0,
      succeeded: [{ key: 'results/part-00000.jsonl', rows: 12 }],
      failed: [],
    });
    expect(rig.info().summary).toMatchObject({ status: 'succeeded', total: 12, succeeded: 12, cost_usd: 1.2 });
    expect(rig.read('report.md')).toContain(rig.batchId);
  });

  test('never works on more items than its concurrency', async () => {
    const rig = await newRig({ faults: { rates: { hang: 1 } } });
    await rig.submit(rows(8), { spec: { limits: { concurrency: 3 } } });
    await rig.untilCalled(3);
    expect((await rig.batch.progress()).counts).toMatchObject({ running: 3, pending: 5 });
    await rig.emulate({ latencyMs: 60 });
    await rig.summary();
    expect(rig.mostCallsAtOnce()).toBe(3);
  });

  test('starts the next item as soon as one ends, whatever the others do', async () => {
    const rig = await newRig({ faults: { rules: [{ prompt: 'never', fault: 'hang', times: 1 }] } });
    await rig.submit(rows(9, { 1: 'never' }), { spec: { limits: { concurrency: 2 } } });
    const { counts } = await rig.until((progress) => progress.counts.succeeded === 8);
    expect(counts).toMatchObject({ running: 1, pending: 0 });
    await rig.emulate();
    expect((await rig.summary()).counts.succeeded).toBe(9);
  });
});
