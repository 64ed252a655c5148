import type { ComfyClient } from '../../../providers/comfyui/client.ts';

/** A client of a server that answers probes and does nothing else. */
export function aliveClient(vramFreeBytes = 20e9): ComfyClient {
  return clientThat(() => Promise.resolve(vramFreeBytes));
}

/** @param probe free memory in bytes, or the failure of a probe */
export function clientThat(probe: (signal: AbortSignal | undefined) => Promise<number>): ComfyClient {
  const systemStats: ComfyClient['systemStats'] = async (options) => {
    const vramFreeBytes = await probe(options?.signal);
    return { version: '0.30.0', devices: [{ name: 'cuda:0', type: 'cuda', vramTotalBytes: 24e9, vramFreeBytes }] };
  };
  return { systemStats } as unknown as ComfyClient;
}
