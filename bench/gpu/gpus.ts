import type { Results } from '../result.ts';
import { benchGpuLoads } from './loads.ts';
import { benchGpuOvertaking } from './overtaking.ts';
import { benchGpuStart } from './start.ts';
import { benchGpuUse } from './use.ts';

/**
 * (gpu) Do GPUs work all the time, begin at once, load little and do what is urgent first? Emulated GPUs at a
 * tenth of real time, so that what we take between two prompts weighs ten times as much.
 */
export async function benchGpus(results: Results, sprites = 100): Promise<void> {
  // Work for GPUs alone: no key, no cloud.
  for (const name of ['GEMINI_API_KEY', 'GEMINI_BASE_URL']) Reflect.deleteProperty(process.env, name);
  await benchGpuUse(results, 1, sprites);
  await benchGpuUse(results, 4, sprites);
  await benchGpuUse(results, 4, 4 * sprites);
  await benchGpuStart(results);
  for (const seed of [1, 2, 3]) await benchGpuLoads(results, seed, sprites);
  await benchGpuOvertaking(results);
}
