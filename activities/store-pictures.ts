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

interface MadePictures {
  lease: GpuLease;
  prompt: ComfyPrompt;
  outputs: readonly CollectedOutput[];
  /** Which of them are to be stored: the others are there. */
  missing: readonly boolean[];
  patienceMs: number;
}

/**
 * Stores the pictures of a prompt that are missing, each with its sidecar; returns the item's row as it is
 * with them. Pictures are counted when they are stored: the next attempt collects them once more.
 */
export async function storePictures(attempt: Attempt, made: MadePictures): Promise<ResultRow> {
  const { input, item, store, log } = attempt;
  const { prompt, outputs, lease } = made;
  const names = artifactNames(item);
  const files = outputs.map((output, n) => {
    const name = names[prompt.offset + n] ?? item.name;
    return { name, file: imageFile(`${name}_${String(prompt.seed)}`, output), source: output.filename };
  });
  const [first] = files;
  if (first === undefined) throw new SluiceError('NO_OUTPUT', 'The graph ran and made no picture.');
  const images = made.missing.filter(Boolean).length;
  log.charged({ inputTokens: 0, outputTokens: 0, images });
  const row = attempt.succeeded(first.file.path);
  await storePaid(made.patienceMs, async () => {
    // A directory that was moved away is not made anew elsewhere.
    await readItem(store, input.ref);
    for (const [n, { name, file, source }] of files.entries()) {
      if (made.missing[n] !== true) continue;
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
  }).catch((error: unknown) => {
    log.charged({ inputTokens: 0, outputTokens: 0, images: -images });
    throw error;
  });
  return row;
}
