import { ProviderError } from '../provider-error.ts';
import type { ComfyClient } from './client.ts';
import type { CallOptions } from './http.ts';
import type { ComfyOutput } from './look.ts';

export interface CollectedOutput extends ComfyOutput {
  mimeType: string;
  data: Buffer;
}

/**
 * Downloads what a prompt made: the saved files, or the previews of a graph that saves none. Order is the
 * server's: by node, and in a batch by picture.
 *
 * @returns null when the server no longer has one of them.
 * @throws ProviderError NO_OUTPUT when there is none; UNAVAILABLE when one arrives damaged.
 */
export async function collectOutputs(
  client: ComfyClient,
  outputs: readonly ComfyOutput[],
  options: CallOptions,
): Promise<CollectedOutput[] | null> {
  const saved = outputs.filter(({ type }) => type === 'output');
  const wanted = saved.length > 0 ? saved : outputs;
  if (wanted.length === 0) throw new ProviderError('NO_OUTPUT', 'The graph ran and made no file.');
  const collected: CollectedOutput[] = [];
  for (const output of wanted) {
    const file = await client.view(output, options);
    if (file === null) return null;
    if (!isWhole(file)) {
      throw new ProviderError('UNAVAILABLE', `${output.filename} came damaged from ComfyUI at ${client.host}.`);
    }
    collected.push({ ...output, ...file });
  }
  return collected;
}

const pngEnd = Buffer.from('0000000049454e44ae426082', 'hex');

/** A PNG ends with its last chunk; of other kinds we know only that they are not empty. */
function isWhole({ mimeType, data }: { mimeType: string; data: Buffer }): boolean {
  return mimeType === 'image/png' ? data.subarray(-pngEnd.byteLength).equals(pngEnd) : data.byteLength > 0;
}
