import { planSprites } from '../../client/sprites.ts';
import { randomStream } from '../../emulators/shared/random.ts';
import { reportGpus } from '../../emulators/comfyui/gpu-log.ts';
import type { Results } from '../result.ts';
import { batchSize, withGpus } from './rig.ts';

const gpus = 4;
const checkpoints = ['sd_xl_base_1.0.safetensors', 'juggernautXL_v9.safetensors'] as const;

/**
 * How often are checkpoints loaded when the items of a batch need two of them in random order? Four GPUs with
 * nothing loaded need four loads at least; a queue that knows nothing of checkpoints does one every second prompt.
 */
export async function benchGpuLoads(results: Results, seed: number, prompts: number): Promise<void> {
  const random = randomStream('bench', seed);
  const rows = Array.from({ length: prompts }, (_, n) => ({
    prompt: `pixel art knight number ${String(n)}`,
    model: random() < 0.5 ? checkpoints[0] : checkpoints[1],
    seed: n * batchSize,
    count: batchSize,
  }));
  const { reports, succeeded } = await withGpus(gpus, async (rig) => {
    // The same as of `sluice generate`, but for the rows.
    const { submit } = await planSprites(rig.home, { prompts: ['-'], batchSize, output: rig.newOutput() });
    const text = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
    const { batchId } = await rig.sluice.submit({ ...submit, input: { text } });
    const { counts } = await rig.finish(batchId);
    return { reports: reportGpus(rig.rows()), succeeded: counts.succeeded };
  });
  const loads = reports.reduce((sum, report) => sum + report.loads.length, 0);
  const add = (metric: string, value: number, target = {}): void => {
    results.add(
      'gpu',
      `2 checkpoints, ${String(prompts)} prompts, order ${String(seed)}: ${metric}`,
      value,
      '',
      target,
    );
  };
  add('succeeded', succeeded, { atLeast: prompts });
  add(`loads on ${String(gpus)} GPUs`, loads, { atMost: 1.5 * gpus });
  add('busy share, lowest', Math.min(...reports.map(({ busyShare }) => busyShare)));
}
