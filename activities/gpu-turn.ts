import type { ComfyWork } from '../domain/comfy-work.ts';
import type { ProviderMode } from '../domain/ids.ts';
import type { GpuLease, GpuPool } from '../providers/gpu-pool/types.ts';
import { CallRefused, type Limiter } from '../providers/limiter/limiter.ts';
import type { Attempt } from './attempt.ts';
import { batchLimiterKey } from './limiter-keys.ts';

/** How often a waiting item looks whether its batch was paused, milliseconds. */
const lookMs = 1_000;

/** Names of endpoints that the item has to do with. */
interface Leftovers {
  /** A prompt is there that an earlier attempt began: it is collected, whatever the batch is doing now. */
  left: string | undefined;
  /** It made the pictures once, and may still have them. */
  prefer: string | undefined;
  /** They refused it. */
  avoid: readonly string[];
}

/**
 * Waits for a place on a GPU.
 *
 * @throws CallRefused when the batch takes no more calls; the signal's reason
 */
export async function awaitTurn(
  { pool, limiter }: { pool: (mode: ProviderMode) => GpuPool; limiter: Limiter },
  { input, signal }: Attempt,
  work: ComfyWork,
  leftovers: Leftovers,
): Promise<GpuLease> {
  const { batchId, gpuClass, priority, limitsRevision } = input;
  const refused = new AbortController();
  const look = (): void => {
    if (limiter.refuses(batchLimiterKey(batchId), limitsRevision)) refused.abort(new CallRefused());
  };
  const mayAlways = leftovers.left !== undefined;
  const prefer = leftovers.left ?? leftovers.prefer;
  const timer = mayAlways ? undefined : setInterval(look, lookMs);
  try {
    if (!mayAlways) look();
    const lease = await pool(input.mode).acquire(
      {
        gpuClass,
        checkpoint: work.values.checkpoint ?? null,
        priority,
        owner: batchId,
        avoid: leftovers.avoid,
        ...(prefer === undefined ? {} : { prefer }),
        ...(work.minVramGb === undefined ? {} : { minVramBytes: work.minVramGb * 1024 ** 3 }),
      },
      AbortSignal.any([signal, refused.signal]),
    );
    if (!mayAlways) look();
    if (!refused.signal.aborted && !signal.aborted) return lease;
    lease.release();
    signal.throwIfAborted();
    throw new CallRefused();
  } finally {
    clearInterval(timer);
  }
}
