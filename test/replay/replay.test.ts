import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import protobuf from '@temporalio/proto';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { z } from 'zod';

const directory = join(import.meta.dirname, 'histories');
const names = readdirSync(directory).map((file) => file.replace(/\.json$/, ''));
const recordedSchema = z.object({ workflowId: z.string(), history: z.record(z.string(), z.unknown()) });

beforeAll(() => {
  Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: [] });
});

test('there are histories of every kind of run', () => {
  expect(names).toEqual(
    expect.arrayContaining([
      'plain',
      'continued-1',
      'continued-2',
      'controlled',
      'cancelled',
      'reopened',
      'item-retried',
      'item-failed',
      'sprite',
      'item-sprite',
      'item-flow',
      'item-flow-failed',
      'item-flow-redriven',
      'flow-redriven',
      'scheduled',
      'told',
      'told-events',
      'item-video',
    ]),
  );
});

describe('the workflows of today replay what was recorded:', () => {
  test.each(names)('%s', async (name) => {
    const recorded = recordedSchema.parse(JSON.parse(readFileSync(join(directory, `${name}.json`), 'utf8')));
    const options = { workflowBundle: { codePath: inject('workflowBundlePath') } };
    const history = protobuf.temporal.api.history.v1.History.fromObject(recorded.history);
    for await (const { error } of Worker.runReplayHistories(options, [{ ...recorded, history }])) {
      expect(error).toBeUndefined();
    }
  });
});
