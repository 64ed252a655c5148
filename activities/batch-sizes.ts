import type { ComfyWork } from '../domain/comfy-work.ts';
import type { GpuLease } from '../providers/gpu-pool/types.ts';

const gigabyte = 1024 ** 3;
/** What SDXL takes at 1024 × 1024, gigabytes free → pictures a prompt. */
const automatic = [
  { freeGb: 38, size: 8 },
  { freeGb: 22, size: 4 },
];

/**
 * How many pictures a prompt may make on which GPU: what its memory holds, and never again as many as it
 * ran out of memory with. Kept for the life of the worker.
 */
export class BatchSizes {
  /** Most memory each endpoint was seen to have free: while it works, what its models take is not free. */
  private readonly freeBytes = new Map<string, number>();
  private readonly learnt = new Map<string, number>();

  /** @param left pictures still to make */
  sizeFor({ batchSize, ...work }: ComfyWork, { endpoint, device }: GpuLease, left: number): number {
    const free = Math.max(this.freeBytes.get(endpoint.name) ?? 0, device.vramFreeBytes);
    this.freeBytes.set(endpoint.name, free);
    const fits = automatic.find(({ freeGb }) => free >= freeGb * gigabyte)?.size ?? 1;
    const wanted = batchSize === 'auto' ? fits : batchSize;
    return Math.max(1, Math.min(left, wanted, this.learnt.get(keyOf(work, endpoint.name)) ?? Infinity));
  }

  /** A prompt of so many pictures ran out of memory; the next has at most half as many. */
  tooLarge(work: Omit<ComfyWork, 'batchSize'>, endpoint: string, size: number): void {
    const key = keyOf(work, endpoint);
    this.learnt.set(key, Math.max(1, Math.min(this.learnt.get(key) ?? Infinity, Math.floor(size / 2))));
  }
}

/** Memory depends on the graph, what it loads, and the size of the pictures. */
function keyOf({ graph, values }: Omit<ComfyWork, 'batchSize'>, endpoint: string): string {
  const { checkpoint, loras, width, height } = values;
  return JSON.stringify([endpoint, graph, checkpoint, loras, width, height]);
}
