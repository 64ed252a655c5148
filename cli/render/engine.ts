import type { EngineStatus } from '../../client/engine/engine-status.ts';
import { vendors } from '../../domain/vendors.ts';

/** What runs, and where it can be reached. */
export function renderEngine(engine: EngineStatus): string {
  const { state, pid, stale, address, namespace, uiUrl, live, emulatorUrl, comfyEmulatorUrl, processes, logs, gpus } =
    engine;
  const { apiUrl } = engine;
  return [
    line(
      'engine',
      `${state}, pid ${String(pid)}${stale ? ', started by another build: restart it with sluice down' : ''}`,
    ),
    line('temporal', `${address} (namespace ${namespace})`),
    ...(uiUrl === null ? [] : [line('web UI', uiUrl)]),
    ...(apiUrl === null ? [] : [line('API', `${apiUrl}/api`)]),
    ...vendors.map((vendor) => line(vendor, live.includes(vendor) ? 'live' : `emulated at ${emulatorUrl}`)),
    line('comfyui', gpus.length > 0 ? gpus.map(({ name }) => name).join(', ') : `emulated at ${comfyEmulatorUrl}`),
    ...processes.map((process) => line(process.name, describeProcess(process))),
    line('logs', logs.engine),
  ].join('\n');
}

function describeProcess({ pid, state, restarts }: EngineStatus['processes'][number]): string {
  const times = restarts === 1 ? 'once' : `${String(restarts)} times`;
  return `${state}, pid ${String(pid ?? '-')}${restarts === 0 ? '' : `, restarted ${times}`}`;
}

function line(label: string, text: string): string {
  return `${label.padEnd(14)} ${text}`;
}
