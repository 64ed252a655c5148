import type { Flow } from './flow.ts';
import { outputStep } from './flow.ts';

/** Which step of an item makes a file. */
interface StepFile {
  flow: Pick<Flow, 'steps' | 'output'>;
  stepId: string;
  /** Of steps whose every round makes a file of its own; 0: the rounds share one. */
  round: number;
}

/**
 * Name of the file a step makes, without extension, relative to its folder: that of the item for the flow's
 * output, else in a folder named after the step (and the round), so that no two items can meet.
 */
export function stepFileName(itemName: string, { flow, stepId, round }: StepFile): string {
  if (round > 1) return `${stepId}/${String(round)}/${itemName}`;
  return outputStep(flow) === stepId ? itemName : `${stepId}/${itemName}`;
}
