import { heartbeat } from '@temporalio/activity';
import type { StagedRun } from '../domain/schedule.ts';
import { mappingErrors } from './failure.ts';
import type { StageRunInput } from './types.ts';

/** Reads and stages the input of a schedule's run; the worker brings the code of a submission. */
export type StageRun = (input: StageRunInput) => Promise<StagedRun>;

/** Heartbeats while the input is read, however long that is: a worker that died is missed within 30 s. */
export function createStageRun(stageRun: StageRun): StageRun {
  return async (input) => {
    const heart = setInterval(() => {
      heartbeat();
    }, 5_000);
    try {
      return await mappingErrors(() => stageRun(input));
    } finally {
      clearInterval(heart);
    }
  };
}
