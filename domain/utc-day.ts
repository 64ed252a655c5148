/** `2026-11-25`: the day of UTC a moment is in. */
export function utcDay(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** The first moment of the day of UTC after this one. */
export function nextUtcDayMs(ms: number): number {
  const dayMs = 86_400_000;
  return (Math.floor(ms / dayMs) + 1) * dayMs;
}
