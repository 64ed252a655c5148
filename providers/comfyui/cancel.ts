import { setTimeout as sleep } from 'node:timers/promises';
import type { CallOptions } from './http.ts';
import type { ComfyLook } from './look.ts';

/** What it takes to cancel: a ComfyClient has it. */
interface Cancelling {
  look(promptId: string, options: CallOptions): Promise<ComfyLook>;
  cancelJob(promptId: string, options: CallOptions): Promise<boolean | null>;
  interrupt(promptId: string, options: CallOptions): Promise<void>;
  deletePending(promptId: string, options: CallOptions): Promise<void>;
}

interface CancelOptions extends CallOptions {
  /** How long to wait for it to stop, milliseconds. @default 5000 */
  timeoutMs?: number;
  /** @default 100 */
  pollMs?: number;
}

/**
 * Cancels one prompt and touches no other: takes it out of the queue if it waits, interrupts it if it runs.
 * An interrupt acts at the next node and can be lost (it arrives as the prompt starts, or in its last node),
 * so it is sent again until the prompt is gone.
 *
 * @returns what the prompt was last seen as: `unknown` when it was taken out, `interrupted`, `succeeded`
 * when it ended first, `running` when it had not stopped by the deadline.
 */
export async function cancelPrompt(
  client: Cancelling,
  promptId: string,
  { timeoutMs = 5_000, pollMs = 100, ...options }: CancelOptions = {},
): Promise<ComfyLook> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const look = await client.look(promptId, options);
    if (look.state !== 'pending' && look.state !== 'running') return look;
    const cancelled = await client.cancelJob(promptId, options);
    if (cancelled === null) {
      // Only what was seen running is interrupted: an old server stops whatever runs.
      if (look.state === 'running') await client.interrupt(promptId, options);
      if (look.state === 'pending' || look.duplicates > 0) await client.deletePending(promptId, options);
    }
    if (Date.now() > deadline) return look;
    await sleep(pollMs, undefined, { signal: options.signal });
  }
}
