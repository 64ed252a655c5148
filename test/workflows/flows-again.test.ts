import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { listJobs } from '../../client/jobs.ts';
import { artifactFiles } from '../../client/own-files.ts';
import { openStore } from '../../storage/open-store.ts';
import { rows } from '../support/rig.ts';
import { useFlows } from '../support/use-flows.ts';

const { flow: newFlow, writer: newWriter, space } = useFlows();

const fixed = (...models: string[]) => ({ rule: 'fixed' as const, models });

describe.concurrent('what a finished step made', () => {
  const twoSteps = (model: string) => ({
    parameters: { tone: 'dry' },
    steps: [
      { id: 'one', uses: 'text' as const, model: fixed(model), with: { prompt: 'One {{ item.prompt }}' } },
      {
        id: 'two',
        uses: 'text' as const,
        model: fixed(model),
        with: { prompt: 'Two {{ parameters.tone }} {{ item.prompt }}' },
      },
    ],
  });

  test('is not paid again when a later step failed and is run again', async () => {
    const writer = await newWriter({ faults: { rules: [{ prompt: '^Two', fault: 'refused', times: 1 }] } });
    const { rig, submit, record } = await newFlow(twoSteps(writer.model));
    await submit();
    const first = await rig.summary();
    expect(first.counts).toMatchObject({ failed: 1 });
    expect(first.costUsd).toBeGreaterThan(0);
    const one = record('a1', 'one');
    await rig.retry();
    const second = await rig.summary();
    expect(second.counts).toMatchObject({ succeeded: 1 });
    expect(writer.prompts.filter((prompt) => prompt.startsWith('One'))).toHaveLength(1);
    expect(record('a1', 'one')).toEqual(one);
    const row = rig.row('a1');
    expect(row.steps).toMatchObject([
      { id: 'one', reused: 1, calls: 0, cost_usd: 0 },
      { id: 'two', calls: 1 },
    ]);
    // What the first run paid for is in its row, and is not counted again.
    expect(second.costUsd).toBeCloseTo(first.costUsd + row.cost_usd, 6);
  });

  test('is done again where parameters changed what it was asked, and only there', async () => {
    const writer = await newWriter({ faults: { rules: [{ prompt: '^Two dry', fault: 'refused' }] } });
    const { rig, submit } = await newFlow(twoSteps(writer.model));
    await submit();
    await rig.summary();
    await rig.retry({ parameters: { tone: 'warm' } });
    expect((await rig.summary()).counts).toMatchObject({ succeeded: 1 });
    expect(writer.prompts).toEqual(['One picture 1', 'Two dry picture 1', 'Two warm picture 1']);
  });

  test('is not looked at for a redrive of a closed batch that asks for what there is not', async () => {
    const writer = await newWriter({ faults: { rules: [{ prompt: '^Two', fault: 'refused' }] } });
    const { rig, submit } = await newFlow(twoSteps(writer.model));
    await submit();
    await rig.summary();
    await expect(rig.retry({ parameters: { mood: 'x' } })).rejects.toMatchObject({ code: 'USAGE' });
    await expect(rig.retry({ model: 'none' })).rejects.toMatchObject({ code: 'UNKNOWN_MODEL' });
    await expect(rig.retry({ model: rig.model })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    expect(await rig.runs()).toBe(1);
  });

  test('stays when a redrive calls another model for what is left, any number of times', async () => {
    const refusing = { faults: { rules: [{ prompt: '^Two', fault: 'refused' as const }] } };
    const writer = await newWriter(refusing);
    const second = await newWriter(refusing);
    const third = await newWriter();
    const { rig, submit } = await newFlow(twoSteps(writer.model));
    await submit();
    await rig.summary();
    await rig.retry({ model: second.model });
    expect((await rig.summary()).counts).toMatchObject({ failed: 1 });
    await rig.retry({ model: third.model, codes: ['CONTENT_BLOCKED'], itemIds: ['a1'] });
    expect((await rig.summary()).counts).toMatchObject({ succeeded: 1 });
    expect([writer, second, third].map(({ prompts }) => prompts)).toEqual([
      ['One picture 1', 'Two dry picture 1'],
      ['Two dry picture 1'],
      ['Two dry picture 1'],
    ]);
    expect(rig.row('a1')).toMatchObject({ model: third.model });
  });

  test('is done by another model where it failed a check, any number of times, and every attempt stays visible', async () => {
    const [first, second, third] = [await newWriter(), await newWriter(), await newWriter({ words: 5 })];
    const { rig, submit } = await newFlow({
      steps: [
        { id: 'draft', uses: 'text', model: fixed(first.model), with: { prompt: 'Write {{ item.prompt }}' } },
        {
          id: 'short',
          uses: 'check',
          with: {
            on_failure: 'fail',
            rules: [{ that: '(steps.draft.text | number_of_words) <= 20', message: 'Too long.' }],
          },
        },
      ],
    });
    await submit({ items: rows(2) });
    await rig.summary();
    await rig.retry({ model: second.model });
    await rig.summary();
    await rig.retry({ model: third.model, codes: ['CHECK_FAILED'], itemIds: ['a1'] });
    await rig.summary();
    await rig.retry();
    expect((await rig.summary()).counts).toMatchObject({ succeeded: 1, failed: 1 });
    // What the last one asked of the first model is in the cache.
    expect([first, second, third].map(({ prompts }) => prompts.length)).toEqual([2, 2, 1]);
    const attempts = await Array.fromAsync(listJobs(rig.batch, { attempts: true }), ({ row }) => row);
    const of = (id: string) => attempts.filter((row) => row.request_id === id);
    expect(of('a1').map(({ status, model }) => [status, model])).toEqual([
      ['failed', first.model],
      ['failed', second.model],
      ['succeeded', third.model],
    ]);
    expect(of('a2').map(({ error_code: code, model }) => [code, model])).toEqual([
      ['CHECK_FAILED', first.model],
      ['CHECK_FAILED', second.model],
      ['CHECK_FAILED', first.model],
    ]);
    expect(attempts.map(({ cost_usd: usd }) => usd > 0)).toEqual([...Array<boolean>(5).fill(true), false]);
    expect(rig.results()).toHaveLength(2);
  });

  test('is not paid again by a resumed batch; a file that was lost is written from the record', async () => {
    const writer = await newWriter();
    const { rig, submit } = await newFlow(twoSteps(writer.model));
    await submit({ items: rows(2) });
    await rig.summary();
    await submit({ items: rows(2), resume: true });
    expect((await rig.summary()).counts).toMatchObject({ skipped: 2, succeeded: 0 });
    const text = rig.read('texts/a2.md');
    rmSync(join(rig.output, 'texts/a2.md'));
    await submit({ items: rows(2), resume: true });
    expect((await rig.summary()).counts).toMatchObject({ skipped: 1, succeeded: 1 });
    expect(rig.read('texts/a2.md')).toBe(text);
    expect(writer.prompts).toHaveLength(4);
  });
});

test('a redrive of a running batch may change the model; what it cannot mean is refused and changes nothing', async () => {
  const writer = await newWriter({
    faults: {
      rules: [
        { prompt: '^bad', fault: 'refused' },
        { prompt: '^stuck', fault: 'hang', times: 1 },
      ],
    },
  });
  const other = await newWriter();
  const { rig, submit } = await newFlow({
    steps: [{ id: 'text', uses: 'text', model: fixed(writer.model), with: { prompt: '{{ item.prompt }}' } }],
  });
  await submit({ items: rows(2, { 1: 'bad', 2: 'stuck' }) });
  await rig.until(({ counts }) => counts.failed === 1);
  await expect(rig.retry({ model: 'none' })).rejects.toMatchObject({ code: 'UNKNOWN_MODEL' });
  await expect(rig.retry({ model: rig.model })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  await expect(rig.retry({ parameters: { mood: 'x' } })).rejects.toMatchObject({ code: 'USAGE' });
  expect(await rig.retry({ model: other.model })).toMatchObject({ items: 1 });
  await rig.until(({ counts }) => counts.succeeded === 1);
  expect(other.prompts).toEqual(['bad']);
  await writer.emulate();
  expect((await rig.summary()).counts).toMatchObject({ succeeded: 2, failed: 0 });
  const attempts = await Array.fromAsync(listJobs(rig.batch, { attempts: true }), ({ row }) => row);
  expect(attempts.filter(({ request_id: id }) => id === 'a1').map(({ status, model }) => [status, model])).toEqual([
    ['failed', writer.model],
    ['succeeded', other.model],
  ]);
});

test('another batch in the same directory uses nothing of the one before', async () => {
  const writer = await newWriter();
  const { rig, submit, record } = await newFlow({
    steps: [{ id: 'text', uses: 'text', model: fixed(writer.model), with: { prompt: 'Write' } }],
  });
  await submit({ spec: { cache: false } });
  await rig.summary();
  await submit({ resume: false, spec: { cache: false } });
  expect(await rig.summary()).toMatchObject({ status: 'succeeded', counts: { succeeded: 1 } });
  expect(writer.prompts).toHaveLength(2);
  expect(record('a1', 'text')?.batch_id).toBe(rig.batchId);
  const files = await Array.fromAsync(artifactFiles(openStore(pathToFileURL(rig.output).href), rig.batchId));
  expect(files.map(({ key }) => key)).toEqual(['texts/a1.md', 'metadata/a1.json', 'steps/a1/text.json']);
});

test('an answer that storage refuses is paid for once', async () => {
  const writer = await newWriter({ latencyMs: 1_500 });
  const { rig, submit, record } = await newFlow({
    steps: [{ id: 'text', uses: 'text', model: fixed(writer.model), with: { prompt: 'Write' } }],
  });
  await submit();
  await rig.until(() => writer.prompts.length === 1);
  writeFileSync(join(rig.output, 'steps'), 'in the way');
  await rig.untilPaused().then(({ pause }) => expect(pause?.kind).toBe('storage'));
  rmSync(join(rig.output, 'steps'));
  await rig.batch.signal('resume');
  expect(await rig.summary()).toMatchObject({ status: 'succeeded', counts: { succeeded: 1 } });
  expect(writer.prompts).toHaveLength(1);
  expect(rig.row('a1').cost_usd).toBe(record('a1', 'text')?.cost_usd);
});

test('an item of a batch that is cancelled while it waits for its second step reports what the first one cost', async () => {
  const writer = await newWriter();
  const slow = await newWriter({
    faults: { rules: [{ prompt: '', fault: 'rate_limited' }], retry_delay_ms: 3_600_000 },
  });
  const { rig, submit } = await newFlow({
    steps: [
      { id: 'one', uses: 'text', model: fixed(writer.model), with: { prompt: 'One {{ item.id }}' } },
      { id: 'two', uses: 'text', model: fixed(slow.model), with: { prompt: 'Two {{ item.id }}' } },
    ],
  });
  await submit({ items: rows(2), spec: { limits: { concurrency: 2 } } });
  // Either was refused, or waits for the rest that the other's refusal asked for.
  await rig.until(() => writer.prompts.length === 2 && slow.prompts.length >= 1);
  await rig.batch.signal('cancel');
  const summary = await rig.summary();
  expect(summary).toMatchObject({ status: 'cancelled', counts: { cancelled: 2, failed: 0 } });
  const costs = rig.results().map(({ cost_usd }) => cost_usd);
  expect(costs.every((cost) => cost > 0)).toBe(true);
  expect(summary.costUsd).toBeCloseTo((costs[0] ?? 0) + (costs[1] ?? 0), 6);
});

test('an item that is cancelled between two steps reports what it paid for', async () => {
  const writer = await newWriter({ latencyMs: 1_500 });
  const { rig, submit } = await newFlow({
    steps: ['one', 'two'].map((id) => ({
      id,
      uses: 'text' as const,
      model: fixed(writer.model),
      with: { prompt: `${id} {{ item.prompt }}` },
    })),
  });
  await submit();
  await rig.until(() => writer.prompts.length === 1);
  await rig.item('a1').cancel();
  expect((await rig.summary()).counts).toMatchObject({ cancelled: 1 });
  const row = rig.row('a1');
  expect(row).toMatchObject({ status: 'cancelled', error_code: 'CANCELLED', calls: 1 });
  expect(row.cost_usd).toBeGreaterThan(0);
  expect(writer.prompts).toHaveLength(1);
});

test('a worker that goes away in the middle of a step costs that call and none of the steps before', async () => {
  const writer = await newWriter({ faults: { rules: [{ prompt: '^two', fault: 'hang', times: 1 }] } });
  const { rig, submit } = await newFlow({
    steps: ['one', 'two'].map((id) => ({
      id,
      uses: 'text' as const,
      model: fixed(writer.model),
      with: { prompt: `${id} {{ item.prompt }}` },
    })),
  });
  await submit({ spec: { retry: { maxAttempts: 1 } } });
  await rig.until(() => writer.prompts.length === 2);
  await space().stopWorkers();
  await space().startWorkers();
  expect(await rig.summary()).toMatchObject({ status: 'succeeded', counts: { succeeded: 1 } });
  expect(writer.prompts).toEqual(['one picture 1', 'two picture 1', 'two picture 1']);
  expect(rig.row('a1').steps?.map(({ id, calls }) => [id, calls])).toEqual([
    ['one', 1],
    ['two', 2],
  ]);
});
