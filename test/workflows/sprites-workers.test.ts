import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { useGpus } from '../support/sprite-rig.ts';

const { space, gpu, generate } = useGpus({
  first: { timeScale: 0.3, gpuClass: 'pair' },
  second: { timeScale: 0.3, gpuClass: 'pair' },
});

/** Of both servers. */
function count(event: 'queued' | 'prompt_start'): number {
  return (['first', 'second'] as const).flatMap((name) =>
    gpu(name)
      .log()
      .filter((row) => row.event === event),
  ).length;
}

const ended = (status: 'success' | 'interrupted'): string[] =>
  (['first', 'second'] as const).flatMap((name) => gpu(name).ended(status));

test('workers stopped in the middle of prompts find them again when they are started, or what they made', async () => {
  const spec = { retry: { maxAttempts: 1 } };
  const made = await generate('pair', { prompts: ['knight'], count: 10, batchSize: 1, spec });
  await gpu('first').untilSampling(1);
  await gpu('second').untilSampling(1);
  await space().stopWorkers();
  const queued = count('queued');
  expect(queued).toBeLessThan(10);
  // Those that run go on; the workers come back while others wait in the servers' queues.
  await space().startWorkers();
  await eventually(() => ended('success').length > queued);
  await space().stopWorkers();
  // This time all that was left has ended before anybody looks.
  await eventually(() => ended('success').length === count('queued'));
  await space().startWorkers();
  expect(await made.batch.summary()).toMatchObject({ status: 'succeeded', counts: { succeeded: 10 } });
  expect(made.images()).toHaveLength(10);
  expect(ended('interrupted')).toEqual([]);
  expect(new Set(ended('success')).size).toBe(10);
  expect(count('prompt_start')).toBe(10);
});
