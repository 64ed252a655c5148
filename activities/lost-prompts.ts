import { SluiceError } from '../domain/errors.ts';
import type { GpuLease } from '../providers/gpu-pool/types.ts';

/** Most prompts remembered of one endpoint: a worker never leaves more than a few. */
const most = 100;

/**
 * Prompts given up on endpoints that went silent: their pictures are made elsewhere. When such an endpoint
 * is back without having been restarted, it may still have them.
 */
export class LostPrompts {
  private readonly prompts = new Map<string, Set<string>>();

  add(endpoint: string, promptId: string): void {
    const ids = this.prompts.get(endpoint) ?? new Set();
    ids.add(promptId);
    for (const oldest of ids) {
      if (ids.size <= most) break;
      ids.delete(oldest);
    }
    this.prompts.set(endpoint, ids);
  }

  /**
   * Cancels what an endpoint that is back may still have of ours: all at once, so that none begins because the
   * one before it was interrupted.
   */
  async cancelOn({ endpoint, client }: GpuLease): Promise<void> {
    const ids = this.prompts.get(endpoint.name) ?? new Set();
    const cancel = async (id: string): Promise<void> => {
      ids.delete(id);
      try {
        await client.cancel(id);
      } catch (error) {
        // Away again: whoever meets that next will see to it.
        ids.add(id);
        if (!(error instanceof SluiceError)) throw error;
      }
    };
    await Promise.all([...ids].map(cancel));
  }
}
