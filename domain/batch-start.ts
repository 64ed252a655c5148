import type { BatchInput } from './batch.ts';
import { priorityKeyAt } from './priority.ts';
import { searchAttributeNames } from './search-attributes.ts';

/** How the workflow of a batch is started, whoever starts it: a command, or a run of a schedule. */
export interface BatchStart {
  /** What lists show without asking the workflow. */
  memo: Record<string, string | number>;
  staticSummary: string;
  /** Search attributes of type Keyword, by name. */
  keywords: Record<string, string>;
  /** Of the batch's own tasks: an urgent batch is not to wait until the items of another have started. */
  priorityKey: number;
}

/** @param source what messages call the input */
export function batchStartOf(
  { batchId, storeUri, spec, flow, mode, input }: BatchInput,
  source: string,
  nowMs: number,
): BatchStart {
  return {
    memo: { storeUri, flow: flow.name, total: input.total, source, mode },
    staticSummary: `${flow.name}: ${String(input.total)} items from ${source}`,
    keywords: {
      [searchAttributeNames.batch]: batchId,
      [searchAttributeNames.flow]: flow.name,
      [searchAttributeNames.project]: spec.project,
      [searchAttributeNames.state]: 'running',
    },
    priorityKey: priorityKeyAt(spec, nowMs),
  };
}
