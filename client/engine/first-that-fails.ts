import { SluiceError } from '../../domain/errors.ts';
import { lastWords, logSize } from './log-file.ts';
import type { SupervisedProcess } from './supervised-process.ts';

/**
 * Waits until processes that were just started are ready.
 *
 * @param deaths how often one may die before it counts as failed
 * @returns null if all are; else ENGINE_START_FAILED with the log and last words of the first that is not
 */
export async function firstThatFails(
  processes: (SupervisedProcess | null)[],
  logs: Record<SupervisedProcess['name'], string>,
  deaths: number,
): Promise<SluiceError | null> {
  const started = processes.filter((process) => process !== null);
  const offsets = started.map((process) => logSize(logs[process.name]));
  const ready = await Promise.all(started.map((process) => process.whenReady(deaths)));
  const index = ready.indexOf(false);
  const process = started[index];
  if (process === undefined) return null;
  const log = logs[process.name];
  const line = lastWords(log, offsets[index] ?? 0) ?? 'it wrote nothing';
  return new SluiceError('ENGINE_START_FAILED', `The ${process.name} did not start (${log}): ${line}`);
}
