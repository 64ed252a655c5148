import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { packageRoot } from '../../client/engine/package-root.ts';
import { now } from '../../emulators/shared/clock.ts';
import { median, type Results } from '../result.ts';
import { batchSize, withGpus, type GpuRig } from './rig.ts';

/** Between two submissions, so that each finds an idle engine. */
const restMs = 1_000;

/**
 * How long until a GPU works? From the call of `Sluice.generate` in a process that is connected, and from the
 * start of the command `sluice generate`, to the first prompt's start on an idle GPU, with the engine up.
 */
export async function benchGpuStart(results: Results, submissions = 20): Promise<void> {
  await withGpus(1, async (rig) => {
    const first = await firstWorkMs(rig, () => generate(rig));
    const calls: number[] = [];
    for (let n = 0; n < submissions; n += 1) calls.push(await firstWorkMs(rig, () => generate(rig)));
    const commands: number[] = [];
    for (let n = 0; n < 5; n += 1) commands.push(await firstWorkMs(rig, () => runCommand(rig)));
    const add = (metric: string, value: number, target = {}): void => {
      results.add('gpu', metric, value, 'ms', target);
    };
    const of = `of ${String(submissions)}`;
    add(`submit to first GPU work, median ${of}`, median(calls), { atMost: 300 });
    add(`submit to first GPU work, slowest ${of}`, Math.max(...calls), { atMost: 300 });
    add('submit to first GPU work, first of a new engine', first);
    add('command to first GPU work, median of 5', median(commands));
  });
}

/** Starts a batch of one prompt and waits for its end; returns how long its prompt took to start. */
async function firstWorkMs(rig: GpuRig, submit: () => Promise<unknown>): Promise<number> {
  await sleep(restMs);
  const submittedAt = now();
  const submitted = submit();
  const [start] = await Promise.all([
    rig.untilStarted((starts) => starts.find(({ at }) => at >= submittedAt)),
    submitted,
  ]);
  await untilIdle(rig);
  return start.at - submittedAt;
}

async function generate(rig: GpuRig): Promise<void> {
  const options = { prompts: ['pixel art knight'], count: batchSize, batchSize, output: rig.newOutput() };
  const { submission } = await rig.sluice.generate(options);
  await rig.finish(submission.batchId);
}

/** As users type it; the command returns when the batch is started. */
async function runCommand(rig: GpuRig): Promise<void> {
  const options = ['--count', String(batchSize), '--batch-size', String(batchSize), '-o', rig.newOutput()];
  const child = spawn(join(packageRoot, 'sluice'), ['generate', '--prompt', 'pixel art knight', ...options], {
    env: { ...process.env, SLUICE_HOME: rig.home },
    stdio: 'ignore',
  });
  const [status] = (await once(child, 'exit')) as [number | null];
  if (status !== 0) throw new Error(`sluice generate ended with ${String(status)}.`);
}

async function untilIdle(rig: GpuRig): Promise<void> {
  const count = (event: string): number => rig.rows().filter((row) => row.event === event).length;
  while (count('prompt_end') < count('queued')) await sleep(50);
}
