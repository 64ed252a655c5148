import { inspect } from 'node:util';
import { Engine, type EngineOptions } from './engine.ts';
import { createHome, enginePaths } from './home.ts';
import { tryLock } from './lock.ts';

/** Exit status of a supervisor whose home another one already serves. */
export const homeTakenStatus = 75;

/**
 * Runs one home's engine until it is told to stop (SIGTERM, SIGINT or the control socket).
 * @returns the exit status: 0 stopped, 1 could not be started, 75 another engine has the home
 */
export async function runEngine(options: EngineOptions): Promise<number> {
  const paths = enginePaths(options.home);
  createHome(paths);
  const lock = tryLock(paths.lockFile);
  if (lock === null) {
    options.log(`another engine serves ${paths.home}`);
    return homeTakenStatus;
  }
  const engine = new Engine(options);
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void engine.stop());
  const crashed = new Promise<unknown>((resolve) => {
    process.once('uncaughtException', resolve);
  });
  try {
    await engine.start();
    const error = await Promise.race([engine.whenStopped(), crashed]);
    if (error === undefined) return 0;
    options.log(`error: ${inspect(error)}`);
    return 1;
  } catch (error) {
    if (engine.stopping) return 0;
    options.log(`error: ${error instanceof Error ? error.message : inspect(error)}`);
    return 1;
  } finally {
    await engine.stop();
    lock.release();
  }
}
