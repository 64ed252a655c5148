import { engineStatus } from '../client/engine/ensure-engine.ts';
import { findTemporal } from '../client/engine/find-temporal.ts';
import { vendorsGiven } from '../client/config-credentials.ts';
import { defaultHome } from '../client/engine/home.ts';
import { cachedTemporal, findOnPath, isExecutable } from '../client/engine/temporal-cache.ts';
import { lookAtGpu } from '../client/engine/look-at-gpu.ts';
import { modelLoads } from '../client/model-loads.ts';
import { loadModels } from '../client/models.ts';
import { withoutCredentials, type GpuEndpointConfig } from '../domain/gpu-endpoint.ts';
import { readConfig } from './connect.ts';
import { vendors } from '../domain/vendors.ts';
import { exitStatus } from './exit-status.ts';
import { describeError, notice, print, printJson } from './output.ts';
import { renderEngine } from './render/engine.ts';
import { renderPace } from './render/overview.ts';

interface Check {
  name: string;
  ok: boolean;
  detail: string;
}

/**
 * Looks at everything a batch needs and says what is wrong with it, and what runs in this home and where.
 * Starts nothing. The exit status is 1 if something is wrong.
 */
export async function doctor({ json, install }: { json: boolean; install: boolean }): Promise<void> {
  const home = defaultHome(process.env);
  const checks: Check[] = [];
  const check = async (name: string, look: () => Promise<string> | string): Promise<void> => {
    try {
      checks.push({ name, ok: true, detail: await look() });
    } catch (error) {
      checks.push({ name, ok: false, detail: inOneLine(error) });
    }
  };
  await check('node', () => process.version);
  let gpus: GpuEndpointConfig[] = [];
  let keys = 'none: what models make is emulated';
  await check('configuration', async () => {
    const config = await readConfig();
    gpus = config.gpus;
    const given = vendorsGiven(config);
    if (given.length > 0) keys = `${given.join(', ')} (of ${vendors.join(', ')})`;
    return config.files.join(', ') || 'none (defaults)';
  });
  await check('keys', () => keys);
  await check('models', async () => Object.keys((await loadModels(home)).models).join(', '));
  // A model that is slowed down is no fault; one whose log cannot be read is.
  await check('limits', () => slowedModels(home));
  await check('server', () => (install ? findTemporal(process.env, notice) : whereTemporal()));
  checks.push(...(await Promise.all(gpus.map(checkGpu))));
  const engine = await engineStatus(home).catch((error: unknown) => {
    checks.push({ name: 'engine', ok: false, detail: inOneLine(error) });
    return null;
  });
  if (json) {
    printJson({ home, checks, engine });
  } else {
    print(`home           ${home}`);
    for (const { name, ok, detail } of checks) print(`${name.padEnd(14)} ${ok ? 'ok  ' : 'BAD '} ${detail}`);
    if (engine !== null) print(renderEngine(engine));
    else if (checks.every(({ ok }) => ok)) print('engine         not running (start it with: sluice up --detach)');
  }
  if (checks.some(({ ok }) => !ok)) process.exitCode = exitStatus.error;
}

function slowedModels(home: string): string {
  const slowed = modelLoads(home).filter(({ slowed_to: to, resting_ms: rest }) => to !== null || rest > 0);
  return slowed.map((load) => `${load.model}: ${renderPace(load)}`).join('; ') || 'no model is slowed down';
}

async function checkGpu(endpoint: GpuEndpointConfig): Promise<Check> {
  const name = `gpu ${endpoint.name}`;
  const place = `${withoutCredentials(endpoint.url)} (${endpoint.classes.join(', ')})`;
  try {
    const { device, vramTotalBytes } = await lookAtGpu(endpoint);
    return { name, ok: true, detail: `${place}: ${device}, ${String(Math.round(vramTotalBytes / 2 ** 30))} GiB` };
  } catch (error) {
    return { name, ok: false, detail: `${place}: ${inOneLine(error)}` };
  }
}

function inOneLine(error: unknown): string {
  return describeError(error).replace(/\s*\n\s*/g, ' ');
}

/** Where the server's program would come from, without bringing it. */
function whereTemporal(): string {
  const address = process.env['TEMPORAL_ADDRESS'];
  if (address) return `${address} (TEMPORAL_ADDRESS), none is started here`;
  const found = [findOnPath('temporal', process.env), cachedTemporal(process.env)].find(
    (file) => file !== null && isExecutable(file),
  );
  return found ?? 'not here yet: brought when it is needed, or now with: sluice doctor --install';
}
