import { z } from 'zod';
import type { FaultName } from './faults.ts';

const operationSchema = z.object({
  /** What it was asked to show, shortened. */
  prompt: z.string(),
  seed: z.int().nullable(),
  seconds: z.number(),
  portrait: z.boolean(),
  /** When it is done, milliseconds since the epoch. */
  doneAt: z.number(),
  end: z.enum(['done', 'filtered', 'failed']),
  /** Tells two operations of the same request apart. */
  call: z.int(),
});
export type VideoOperation = z.output<typeof operationSchema>;

/** How an operation with this fault ends. */
export function endOf(fault: FaultName | null): VideoOperation['end'] {
  return fault === 'video_filtered' ? 'filtered' : fault === 'video_failed' ? 'failed' : 'done';
}

/** An operation's id is the operation itself, so that it outlives the emulator's process, as the vendor's do. */
export function idOf(operation: VideoOperation): string {
  return Buffer.from(JSON.stringify(operation)).toString('hex');
}

/** Null for an id that was never given out. */
export function operationOf(id: string): VideoOperation | null {
  try {
    return operationSchema.safeParse(JSON.parse(Buffer.from(id, 'hex').toString('utf8'))).data ?? null;
  } catch {
    return null;
  }
}
