import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { textPricedModel } from '../support/namespace.ts';
import { rows, searchAttributesOf } from '../support/rig.ts';
import { useNamespace } from '../support/use-namespace.ts';

const { rig: newRig, space } = useNamespace();

describe('an item', () => {
  test.concurrent('answered with text alone is asked again in other words, and every answer is paid for', async () => {
    const rules = [
      { prompt: 'shy', fault: 'text_only' as const, times: 2 },
      { prompt: 'mute', fault: 'text_only' as const },
    ];
    const rig = await newRig({ faults: { rules } }, textPricedModel);
    await rig.submit(rows(3, { 1: 'shy', 2: 'mute' }), { spec: { retry: { maxAttempts: 3 } } });
    const summary = await rig.summary();
    expect(summary.counts).toMatchObject({ succeeded: 2, failed: 1 });
    const [shy, mute, plain] = ['a1', 'a2', 'a3'].map((id) => rig.row(id));
    expect(shy).toMatchObject({ status: 'succeeded', calls: 3, images: 1 });
    expect(mute).toMatchObject({ status: 'failed', error_code: 'NO_OUTPUT', calls: 3, images: 0 });
    // A thousandth of a dollar for each token of text, in every answer.
    expect(mute!.output_tokens).toBeGreaterThan(0);
    expect(mute!.cost_usd).toBeCloseTo(mute!.output_tokens / 1_000, 6);
    expect(shy!.output_tokens).toBeGreaterThan(plain!.output_tokens);
    expect(shy!.cost_usd).toBeCloseTo(0.1 + (shy!.output_tokens - 1_290) / 1_000, 6);
    expect(summary.costUsd).toBeCloseTo(shy!.cost_usd + mute!.cost_usd + plain!.cost_usd, 6);
    const requests = rig.calls().filter((call) => call.prompt?.includes('shy'));
    expect(new Set(requests.map((call) => call.request_hash)).size).toBe(3);
  });

  test.concurrent('is not charged with rate limits, however many', async () => {
    const rig = await newRig({
      faults: { rules: [{ prompt: '', fault: 'rate_limited', times: 5 }], retry_delay_ms: 10 },
    });
    await rig.submit(rows(1), { spec: { retry: { maxAttempts: 1 } } });
    expect((await rig.summary()).counts.succeeded).toBe(1);
    expect(rig.row('a1')).toMatchObject({ calls: 6 });
  });

  test.concurrent('is given up after its attempts, with every call in its row', async () => {
    const rig = await newRig({ faults: { rules: [{ prompt: 'down', fault: 'unavailable' }] } });
    await rig.submit(rows(2, { 1: 'down' }), { spec: { retry: { maxAttempts: 4 } } });
    await rig.summary();
    expect(rig.callsFor('down')).toBe(4);
    expect(rig.row('a1')).toMatchObject({ status: 'failed', error_code: 'UNAVAILABLE', calls: 4 });
  });

  test.concurrent('that failed is a Failed execution whose type is the code, found by batch and model', async () => {
    const rig = await newRig({ faults: { rules: [{ prompt: '^bad', fault: 'safety' }] } });
    await rig.submit(rows(2, { 1: 'bad' }));
    await rig.summary();
    const failed = await rig.item('a1').describe();
    expect(failed.status.name).toBe('FAILED');
    expect(await searchAttributesOf(rig.item('a1'))).toMatchObject({
      SluiceBatch: rig.batchId,
      SluiceModel: rig.model,
    });
    expect(await failed.staticSummary()).toBe(`a1 · ${rig.model}`);
    const error: unknown = await rig
      .item('a1')
      .result()
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(WorkflowFailedError);
    const { cause } = error as WorkflowFailedError;
    expect(cause).toBeInstanceOf(ApplicationFailure);
    expect(cause).toMatchObject({ type: 'CONTENT_BLOCKED', nonRetryable: true });
    const query = `SluiceBatch = '${rig.batchId}' AND ExecutionStatus = 'Failed' AND WorkflowType = 'itemWorkflow'`;
    await eventually(async () => (await space().client.workflow.count(query)).count === 1);

    const batch = await rig.workflow.describe();
    expect(await searchAttributesOf(rig.workflow)).toMatchObject({
      SluiceBatch: rig.batchId,
      SluiceFlow: 'image',
      SluiceProject: 'default',
      SluiceState: 'failed',
    });
    expect(await batch.staticSummary()).toBe('image: 2 items from the input');
  });

  test('is not charged with a worker that goes away in the middle of its call', async () => {
    const rig = await newRig({ faults: { rules: [{ prompt: '', fault: 'hang', times: 1 }] } });
    await rig.submit(rows(1), { spec: { retry: { maxAttempts: 1 } } });
    await rig.untilCalled(1);
    await space().stopWorkers();
    await space().startWorkers();
    expect(await rig.summary()).toMatchObject({ status: 'succeeded', counts: { succeeded: 1 } });
    expect(rig.row('a1')).toMatchObject({ calls: 2 });
  });
});
