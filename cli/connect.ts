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
  const { Sluice } = await import('../client/sluice.ts');
  const sluice = await Sluice.connect({ notice });
  try {
    return await body(sluice);
  } finally {
    await sluice.close();
  }
}
