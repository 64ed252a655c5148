const dayMs = 86_400_000;

/** The last days up to today, oldest first, as `2026-11-25`; days of UTC, as the ledger has them. */
export function lastDays(count: number, nowMs: number): string[] {
  return Array.from({ length: count }, (_, place) =>
    new Date(nowMs - (count - 1 - place) * dayMs).toISOString().slice(0, 10),
  );
}
