import { reportGpus } from '../../emulators/comfyui/gpu-log.ts';
import { median, type Results } from '../result.ts';
import { batchSize, timeScale, withGpus, type GpuRows } from './rig.ts';

/**
 * How much of its time does a GPU work? Busy share, for each GPU: time in prompts (from the server's start of
 * one to its end; loads count) by the time from the start of its first prompt to the end of its last.
 */
export async function benchGpuUse(results: Results, gpus: number, sprites: number): Promise<void> {
  const { rows, made } = await withGpus(gpus, async (rig) => {
    const { submission } = await rig.sluice.generate({
      prompts: ['pixel art knight'],
      count: sprites,
      batchSize,
      output: rig.newOutput(),
    });
    await rig.finish(submission.batchId);
    const ends = rig.rows().flatMap((row) => (row.event === 'prompt_end' ? [row.images] : []));
    return { rows: rig.rows(), made: ends.reduce((sum, images) => sum + images, 0) };
  });
  const reports = reportGpus(rows).filter(({ spanMs }) => spanMs > 0);
  const gaps = reports.flatMap((report) => report.gaps.map(({ ms }) => ms));
  const add = (metric: string, value: number, unit: string, target = {}): void => {
    results.add('gpu', `${String(gpus)} GPU, ${String(sprites)} sprites: ${metric}`, value, unit, target);
  };
  add('pictures made', made, '', { atLeast: sprites, atMost: sprites });
  add('GPUs that worked', reports.length, '', { atLeast: gpus });
  add('busy share, lowest', Math.min(...reports.map(({ busyShare }) => busyShare)), '', { atLeast: 0.98 });
  add('gap between two prompts, median', median(gaps), 'ms');
  add('gap between two prompts, longest', Math.max(...gaps), 'ms');
  add('server’s own work in a prompt, median', median(ownWork(rows)), 'ms');
  const paces = reports.map(({ gpu }) => pace(rows.filter((row) => row.gpu === gpu)));
  add('sprites a minute of GPU time, lowest', Math.min(...paces), '', { atLeast: 31 });
}

/**
 * Sprites one GPU makes in a minute of its own time once the checkpoint is loaded: pictures of its full prompts
 * but the first, by the time from the end of the prompt before each to its own end, gaps included. The most it
 * can do is 32: 8 pictures take 15 s.
 */
function pace(rows: GpuRows): number {
  const ends = rows.filter((row) => row.event === 'prompt_end');
  let images = 0;
  let ms = 0;
  for (const [n, end] of ends.entries()) {
    const before = ends[n - 1];
    if (before === undefined || end.images < batchSize) continue;
    images += end.images;
    ms += end.at - before.at;
  }
  return images / (ms / timeScale / 60_000);
}

/** What each prompt took besides sampling and loading: pictures are packed and stored in real time, not scaled. */
function ownWork(rows: GpuRows): number[] {
  const own = new Map<string, number>();
  for (const row of rows) {
    if (!('prompt_id' in row)) continue;
    const starts = row.event === 'prompt_start' || row.event === 'sample_end' || row.event === 'load_end';
    const ends = row.event === 'prompt_end' || row.event === 'sample_start' || row.event === 'load_start';
    if (starts || ends) own.set(row.prompt_id, (own.get(row.prompt_id) ?? 0) + (starts ? -row.at : row.at));
  }
  return [...own.values()];
}
