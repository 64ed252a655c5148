import type { Config } from '../client/config.ts';
import type { Sluice } from '../client/sluice.ts';
import { defaultHome } from '../client/engine/home.ts';
import { notice } from './output.ts';

/** The configuration of this invocation. */
export async function readConfig(): Promise<Config> {
  const { loadConfig } = await import('../client/config.ts');
  return loadConfig({ cwd: process.cwd(), home: defaultHome(process.env), env: process.env, notice });
}

/** Connects to the engine, which is started if none runs; runs the body; disconnects. */
export async function withSluice<T>(body: (sluice: Sluice) => Promise<T>): Promise<T> {
  const { startTracing } = await import('../client/tracing/tracing.ts');
  // A receiver that is away is the engine's to tell of, in its log, and not every command's.
  const warn = process.env['SLUICE_DEBUG'] ? notice : () => undefined;
  const tracing = await startTracing({ service: 'sluice-cli', env: process.env, warn });
  const { Sluice } = await import('../client/sluice.ts');
  const sluice = await Sluice.connect({ notice, interceptors: tracing?.clientInterceptors });
  try {
    return await body(sluice);
  } finally {
    await sluice.close();
    await tracing?.close();
  }
}
