import { createHash } from 'node:crypto';
import { parseGpuEndpoints } from '../domain/gpu-endpoint.ts';
import type { ProviderMode } from '../domain/ids.ts';
import { createComfyClient } from '../providers/comfyui/client.ts';
import { createGpuPool } from '../providers/gpu-pool/pool.ts';
import type { GpuEndpoint, GpuPool } from '../providers/gpu-pool/types.ts';

export interface GpuSettings {
  /** SLUICE_GPUS: JSON, a list of endpoints. Without it this worker takes no live work for GPUs. */
  gpus: string | undefined;
  /** Address of the built-in ComfyUI emulator; without it this worker takes no emulated work for GPUs. */
  emulatorUrl: string | undefined;
}

/** The GPUs of a worker process. Throws CONFIG_INVALID. */
export function createGpus({ gpus, emulatorUrl }: GpuSettings, home: string): Partial<Record<ProviderMode, GpuPool>> {
  const live = parseGpuEndpoints(gpus);
  const emulated = emulatorUrl === undefined ? [] : [{ name: 'emulated', url: emulatorUrl, classes: ['any'] }];
  const poolOf = (endpoints: readonly GpuEndpoint[]): GpuPool =>
    createGpuPool({
      endpoints,
      createClient: ({ name, url }) => createComfyClient({ baseUrl: url, clientId: clientIdOf(home, name) }),
    });
  return {
    ...(live.length === 0 ? {} : { live: poolOf(live) }),
    ...(emulated.length === 0 ? {} : { emulated: poolOf(emulated) }),
  };
}

/** The same after a restart, so that the server goes on telling of the prompts of the worker before. */
function clientIdOf(home: string, endpoint: string): string {
  return createHash('sha256').update(`${home}\n${endpoint}`).digest('hex').slice(0, 32);
}
