import { ApplicationFailure, isCancellation, sleep } from '@temporalio/workflow';
import type { ItemInput, StepInput, StepOutcome, VideoActivities } from '../activities/types.ts';
import { cancelledMessage } from './item-end.ts';

/** First wait between two looks at a video, and the longest; an emulated one is done in a second. */
const waits = { live: { firstMs: 10_000, longestMs: 60_000 }, emulated: { firstMs: 250, longestMs: 2_000 } };
const waitFactor = 1.2;
/** Longest a vendor takes for a video, milliseconds; then it is given up, and looked at again by a redrive. */
const patienceMs = 2 * 3_600_000;

/**
 * Asks for a video and looks at it until it is done; between two looks only a timer of the server's waits. A
 * video that came to nothing is asked for again, at most `retry.maxAttempts` times in all.
 *
 * History: 11 events a look, about 140 looks in the two hours it may take.
 *
 * @returns how the step ended; of a cancelled item `cancelled`, with what is paid for
 */
export async function callVideo(activities: VideoActivities, input: ItemInput | StepInput): Promise<StepOutcome> {
  let asked = await activities.startVideo(input);
  for (let attempt = 1; ; attempt += 1) {
    const ended = await untilEnded(activities, input, asked);
    const { video } = ended;
    // Skipped, found finished, or given back.
    if (video === undefined) return ended;
    if (video.uri !== undefined) return activities.storeVideo({ ...input, video });
    if (attempt >= input.retry.maxAttempts) {
      const message = video.failed ?? 'The video came to nothing.';
      const row = { ...ended, status: 'failed', error_code: 'NO_OUTPUT', error_message: message };
      throw ApplicationFailure.create({ message, type: 'NO_OUTPUT', nonRetryable: true, details: [row] });
    }
    asked = await activities.startVideo({ ...input, video });
  }
}

async function untilEnded(
  activities: VideoActivities,
  input: ItemInput | StepInput,
  asked: StepOutcome,
): Promise<StepOutcome> {
  const { firstMs, longestMs } = waits[input.mode];
  let outcome = asked;
  let waitMs = firstMs;
  let waitedMs = 0;
  const leftMs = ('leftMs' in input ? input.leftMs : input.itemTimeoutMs) ?? patienceMs;
  for (;;) {
    const { video } = outcome;
    if (video === undefined || video.uri !== undefined || video.failed !== undefined) return outcome;
    if (waitedMs >= Math.min(patienceMs, leftMs)) {
      const code = leftMs < patienceMs ? 'ITEM_TIMEOUT' : 'TIMEOUT';
      const time =
        leftMs < patienceMs ? `the ${String(Math.round(leftMs / 1_000))} s that its item had left` : 'two hours';
      const message = `The video was not done in ${time}; run the item again to look at it again.`;
      const row = { ...asked, status: 'failed', error_code: code, error_message: message };
      throw ApplicationFailure.create({ message, type: code, nonRetryable: true, details: [row] });
    }
    try {
      await sleep(waitMs, { summary: `Video of ${input.ref.label}` });
    } catch (error) {
      if (!isCancellation(error)) throw error;
      // It goes on at the vendor's, and is paid for: a later run of the item fetches it.
      return { ...withoutVideo(asked), status: 'cancelled', error_code: 'CANCELLED', error_message: cancelledMessage };
    }
    waitedMs += waitMs;
    waitMs = Math.min(waitMs * waitFactor, longestMs);
    outcome = await activities.checkVideo({ ...input, video });
  }
}

function withoutVideo({ video: _video, ...outcome }: StepOutcome): StepOutcome {
  return outcome;
}
