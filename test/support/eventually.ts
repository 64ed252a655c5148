import { setTimeout as delay } from 'node:timers/promises';

/**
 * Asks until the answer is neither false nor undefined nor an error, and returns it. Throws the last error,
 * or says what was asked for in vain, after a deadline that only something broken reaches.
 */
export async function eventually<T>(
  ask: () => Promise<T | false | undefined> | T | false | undefined,
  deadlineMs = 60_000,
): Promise<T> {
  const deadline = Date.now() + deadlineMs;
  for (let waitMs = 20; ; waitMs = Math.min(200, waitMs * 1.3)) {
    let last: unknown;
    try {
      const answer = await ask();
      if (answer !== false && answer !== undefined) return answer;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) throw new Error(`never came true: ${ask.toString()}`, { cause: last });
    await delay(waitMs);
  }
}
