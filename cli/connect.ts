import { loadConfig, type Config } from '../client/config.ts';
import { defaultHome } from '../client/engine/home.ts';
import { notice } from './output.ts';

/** The configuration of this invocation. */
export function readConfig(): Config {
  return loadConfig({ cwd: process.cwd(), home: defaultHome(process.env), env: process.env, notice });
}

/**
 * Connects, runs the body, disconnects.
 * @param options.start whether an engine is started if none runs
 */
export async function withSluice<T>(options: { start: boolean }, body: (sluice: Sluice) => Promise<T>): Promise<T> {
  const { Sluice } = await import('../client/sluice.ts');
  const sluice = await Sluice.connect({ start: options.start, notice });
  try {
    return await body(sluice);
  } finally {
    await sluice.close();
  }
}

type Sluice = import('../client/sluice.ts').Sluice;
