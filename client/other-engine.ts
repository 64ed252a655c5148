import { hostname } from 'node:os';
import type { BatchInfo } from '../domain/batch-info.ts';
import { SluiceError } from '../domain/errors.ts';
import { displayPath } from './batch-report.ts';
import { requestStatus } from './engine/control-client.ts';
import type { EngineStatus } from './engine/engine-status.ts';
import { enginePaths } from './engine/home.ts';

/** The engine a batch is submitted to. */
export type OwnEngine = Pick<EngineStatus, 'home' | 'address' | 'namespace'>;

/** What `batch_info.json` says of an engine, so that another one knows where the batch may be running. */
export function engineMark({ home }: OwnEngine): NonNullable<BatchInfo['engine']> {
  return { host: hostname(), home };
}

/**
 * Lets a batch that this engine does not know be gone on with only if no other engine can be running it.
 * An engine that is stopped, or whose home is gone, is known not to: then only `resume` has to say what to
 * do with the batch, started or not, because that engine would go on with it if it was started again.
 *
 * @throws SluiceError OUTPUT_IN_USE if another engine may be running it, OUTPUT_EXISTS without `resume`
 */
export async function assertNotElsewhere(
  storeUri: string,
  info: BatchInfo,
  own: OwnEngine,
  resume: boolean | undefined,
): Promise<void> {
  const { engine, batch_id: batchId } = info;
  if (info.summary !== null || engine === null || (engine.host === hostname() && engine.home === own.home)) return;
  const output = displayPath(storeUri);
  if (engine.host !== hostname()) {
    const place = `${engine.home} on ${engine.host}`;
    throw new SluiceError('OUTPUT_IN_USE', `${output} holds batch ${batchId}, which may be running in ${place}.`, {
      action: 'Cancel it there. If it is gone for good, take "engine" out of batch_info.json and use --resume.',
    });
  }
  const state = await stateOf(engine.home, own);
  if (state === 'running') {
    const message = `${output} holds batch ${batchId}, which may be running in the engine of ${engine.home}.`;
    throw new SluiceError('OUTPUT_IN_USE', message, {
      action: `Follow it with: SLUICE_HOME='${engine.home}' sluice batch watch ${batchId}. Or choose another directory with -o.`,
    });
  }
  if (state === 'stopped' && resume === undefined) {
    const message = `${output} holds the unfinished batch ${batchId} of the engine of ${engine.home}, which does not run.`;
    throw new SluiceError('OUTPUT_EXISTS', message, {
      action: 'Add --resume to go on with it here; that engine must not be started again before it is done.',
    });
  }
}

/** `same`: it has the same Temporal server as we, which does not know the batch. */
async function stateOf(home: string, own: OwnEngine): Promise<'running' | 'stopped' | 'same'> {
  try {
    const report = await requestStatus(enginePaths(home));
    if (report === null) return 'stopped';
    return report.address === own.address && report.namespace === own.namespace ? 'same' : 'running';
  } catch {
    // It is there, and does not answer or not to us.
    return 'running';
  }
}
