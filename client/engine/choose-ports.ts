import type { DevServerConfig } from './dev-server-config.ts';
import type { EngineReport } from './engine-status.ts';
import { findPort } from './ports.ts';

/** Ports of an engine whose emulator and server are about to be started. */
export interface ChosenPorts {
  emulator: number;
  comfyui: number;
  api: number;
  /** Null if the server is not ours. */
  server: { server: number; ui: number } | null;
}

/**
 * Free ports, no two the same: those an earlier engine of the home had, else the configured ones.
 * @param api where the REST service is to listen; without a port that of the configuration is preferred
 * @param others claimed by other engines, where nobody may listen at the moment
 */
export async function choosePorts(
  { ip, ports }: DevServerConfig,
  api: { host: string; port?: number | undefined },
  wanted: EngineReport['ports'] | undefined,
  others: readonly number[],
  ownServer: boolean,
): Promise<ChosenPorts> {
  const taken = [...others];
  const choose = async (name: keyof typeof ports, host: string = ip): Promise<number> => {
    const port = await findPort(host, wanted?.[name] ?? ports[name], taken);
    taken.push(port);
    return port;
  };
  const emulator = await choose('emulator');
  const comfyui = await choose('comfyui');
  // One that the user named is taken or fails: another would be looked for in vain by those who were told it.
  const ofApi = api.port ?? (await choose('api', api.host));
  return {
    emulator,
    comfyui,
    api: ofApi,
    server: ownServer ? { server: await choose('server'), ui: await choose('ui') } : null,
  };
}
