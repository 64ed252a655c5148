/** Time as the limiter needs it; tests bring their own. */
export interface Clock {
  /** Milliseconds since any fixed moment, the same for all processes of the machine. */
  now(): number;
  /** Runs `run` once after `ms`; the returned function cancels it. */
  after(ms: number, run: () => void): () => void;
}

/**
 * The machine's monotonic clock. It is one for all processes, and setting the time of day, forwards or
 * backwards, does not move it. After a reboot it starts again, which the log notices. It never runs
 * ahead of real time, so a window is never shorter than it should be.
 */
export const machineClock: Clock = {
  now: () => Number(process.hrtime.bigint() / 1_000_000n),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => {
      clearTimeout(timer);
    };
  },
};
