import { DefaultLogger, type LogLevel, type Logger as SdkLogger } from '@temporalio/worker';
import type { Logger } from 'pino';
import { batchAndItemOf } from '../../domain/ids.ts';

const levels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

/** Says nothing to a person: what a line is of is in the other fields. */
const leftOut = new Set(['namespace', 'taskToken', 'isLocal', 'options']);

/**
 * What Temporal's SDK and the workflows log, in the worker's own log, with batch and item where it says whose it is.
 * What the SDK itself calls information is for who looks for a defect.
 */
export function sdkLog(log: Logger): SdkLogger {
  return new DefaultLogger('TRACE', ({ level, message, meta = {} }) => {
    log[levelOf(level, message, meta)](fieldsOf(meta), message);
  });
}

/** How a line of every worker of a model begins: true, and as it is meant to be. */
const expected = 'No workflows registered';

function levelOf(
  level: LogLevel,
  message: string,
  { sdkComponent }: Record<string, unknown>,
): (typeof levels)[LogLevel] {
  if (message.startsWith(expected)) return 'debug';
  return level === 'INFO' && sdkComponent !== 'workflow' ? 'debug' : levels[level];
}

function fieldsOf({ error, ...meta }: Record<string, unknown>): Record<string, unknown> {
  const { workflowId, workflowType } = meta;
  const ofBatch =
    typeof workflowId === 'string' && typeof workflowType === 'string' ? batchAndItemOf(workflowId, workflowType) : {};
  const named = Object.entries({ ...ofBatch, ...meta }).filter(([name]) => !leftOut.has(name));
  return {
    ...(error === undefined ? {} : { err: error }),
    ...Object.fromEntries(named.map(([name, value]) => [snakeCase(name), value])),
  };
}

function snakeCase(name: string): string {
  return name === 'workflowRunId' ? 'run_id' : name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
