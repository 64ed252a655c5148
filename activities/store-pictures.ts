import { SluiceError } from '../domain/errors.ts';
import { artifactNames } from '../domain/item.ts';
import type { ResultRow } from '../domain/result.ts';
import type { CollectedOutput } from '../providers/comfyui/collect.ts';
import type { GpuLease } from '../providers/gpu-pool/types.ts';
import { imageFile, writeArtifact } from './artifact.ts';
import type { Attempt } from './attempt.ts';
import type { ComfyPrompt } from './comfy-prompt.ts';
import { readItem } from './read-page.ts';
import { storePaid } from './store-paid.ts';

/** Stores the pictures of a prompt, each with its sidecar; returns the item's row as it is with them. */
export async function storePictures(
  attempt: Attempt,
  made: { lease: GpuLease; prompt: ComfyPrompt; outputs: readonly CollectedOutput[]; patienceMs: number },
): Promise<ResultRow> {
  const { input, item, store } = attempt;
  const { prompt, outputs, lease } = made;
  const names = artifactNames(item);
  const files = outputs.map((output, n) => {
    const name = names[prompt.offset + n] ?? item.name;
    return { name, file: imageFile(`${name}_${String(prompt.seed)}`, output), source: output.filename };
  });
  const [first] = files;
  if (first === undefined) throw new SluiceError('NO_OUTPUT', 'The graph ran and made no picture.');
  const row = attempt.succeeded(first.file.path);
  await storePaid(made.patienceMs, async () => {
    // A directory that was moved away is not made anew elsewhere.
    await readItem(store, input.ref);
    for (const [n, { name, file, source }] of files.entries()) {
      await writeArtifact(store, { ...item, name, seed: prompt.seed }, file, row, {
        batch_id: input.batchId,
        mode: input.mode,
        endpoint: lease.endpoint.name,
        gpu: lease.device.name,
        prompt_id: prompt.promptId(0),
        batch_size: prompt.count,
        batch_index: n,
        server_file: source,
        settings: item.comfy?.values ?? {},
        graph: prompt.graph,
      });
    }
  });
  return row;
}
