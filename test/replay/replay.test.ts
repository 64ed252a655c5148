import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultPayloadConverter } from '@temporalio/common';
import protobuf from '@temporalio/proto';
import { DefaultLogger, Runtime, Worker, type InjectedSinks } from '@temporalio/worker';
import { beforeAll, expect, inject, test } from 'vitest';
import { z } from 'zod';
import type { TracingSinks } from '../../workflows/tracing.ts';

const directory = join(import.meta.dirname, 'histories');
const names = readdirSync(directory).map((file) => file.replace(/\.json$/, ''));
const recordedSchema = z.object({ workflowId: z.string(), history: z.record(z.string(), z.unknown()) });

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const traceHeader = { fields: { '_tracer-data': defaultPayloadConverter.toPayload({ traceparent }) } };

beforeAll(() => {
  Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: [] });
});

test('there are histories of every kind of run, and of a batch and an item of every shipped flow', () => {
  const flows = readdirSync('flows').flatMap((file) => /^(.+)\.yaml$/.exec(file)?.[1] ?? []);
  expect(flows.length).toBeGreaterThan(7);
  expect(names).toEqual(
    expect.arrayContaining([
      ...flows.flatMap((flow) => [`shipped-${flow}`, `shipped-${flow}-item`]),
      'plain',
      'continued-1',
      'continued-2',
      'controlled',
      'budget',
      'cancelled',
      'reopened',
      'reviewed',
      'item-retried',
      'item-failed',
      'sprite',
      'item-sprite',
      'item-flow',
      'item-flow-failed',
      'item-flow-redriven',
      'flow-redriven',
      'scheduled',
      'scheduled-failed',
      'told',
      'told-events',
      'item-video',
    ]),
  );
});

test('the workflows of today replay what was recorded, in a trace or in none', async () => {
  const sinks: InjectedSinks<TracingSinks> = { tracing: { ended: { fn: () => undefined } } };
  const options = { workflowBundle: { codePath: inject('workflowBundlePath') }, sinks };
  const all = [...names.map((name) => readHistory(name)), ...names.map(readTraced)];
  const problems: string[] = [];
  let replayed = 0;
  // One worker for all; it gives their results in their order.
  for await (const { error } of Worker.runReplayHistories(options, all)) {
    const traced = replayed < names.length ? '' : ', in a trace';
    if (error !== undefined) problems.push(`${names[replayed % names.length] ?? ''}${traced}: ${error.message}`);
    replayed += 1;
  }
  expect(problems).toEqual([]);
  expect(replayed).toBe(all.length);
});

function readHistory(name: string) {
  const recorded = recordedSchema.parse(JSON.parse(readFileSync(join(directory, `${name}.json`), 'utf8')));
  return { ...recorded, history: protobuf.temporal.api.history.v1.History.fromObject(recorded.history) };
}

/** The same, started in a trace: it opens spans from then on, and nothing else may change by it. */
function readTraced(name: string) {
  const { history, ...recorded } = readHistory(name);
  history.events[0]!.workflowExecutionStartedEventAttributes!.header = traceHeader;
  return { ...recorded, history };
}
