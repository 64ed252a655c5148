/** Milliseconds since the epoch, to the microsecond, on a clock that never goes back. */
export function now(): number {
  return Math.round((performance.timeOrigin + performance.now()) * 1_000) / 1_000;
}
