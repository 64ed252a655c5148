import type { ComfyWork } from '../domain/comfy-work.ts';
import type { ProviderMode } from '../domain/ids.ts';
import type { GpuLease, GpuPool } from '../providers/gpu-pool/types.ts';
import { CallRefused, type Limiter } from '../providers/limiter/limiter.ts';
import type { Attempt } from './attempt.ts';
import { batchLimiterKey } from './batch-limiter-key.ts';

/** How often a waiting item looks whether its batch was paused, milliseconds. */
const lookMs = 1_000;

/**
 * Waits for a place on a GPU.
 *
 * @param prefer endpoint on which an earlier attempt left a prompt of this item
 * @throws CallRefused when the batch takes no more calls; the signal's reason
 */
export async function awaitTurn(
  { pool, limiter }: { pool: (mode: ProviderMode) => GpuPool; limiter: Limiter },
  { input, signal }: Attempt,
  work: ComfyWork,
  prefer: string | undefined,
): Promise<GpuLease> {
  const { batchId, gpuClass, priority, limitsRevision } = input;
  const refused = new AbortController();
  const look = (): void => {
    if (limiter.refuses(batchLimiterKey(batchId), limitsRevision)) refused.abort(new CallRefused());
  };
  // What an earlier attempt left on a GPU is collected, whatever the batch is doing now.
  const timer = prefer === undefined ? setInterval(look, lookMs) : undefined;
  try {
    if (prefer === undefined) look();
    const lease = await pool(input.mode).acquire(
      {
        gpuClass,
        checkpoint: work.values.checkpoint ?? null,
        priority,
        owner: batchId,
        ...(prefer === undefined ? {} : { prefer }),
        ...(work.minVramGb === undefined ? {} : { minVramBytes: work.minVramGb * 1024 ** 3 }),
      },
      AbortSignal.any([signal, refused.signal]),
    );
    if (prefer === undefined) look();
    if (!refused.signal.aborted && !signal.aborted) return lease;
    lease.release();
    signal.throwIfAborted();
    throw new CallRefused();
  } finally {
    clearInterval(timer);
  }
}
