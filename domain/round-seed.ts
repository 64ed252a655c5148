const seedRange = 2 ** 31;
/** A prime, so that neighbouring seeds of a batch do not shift onto each other. */
const seedStride = 1_000_003;

/** The seed of a step in a round of its loop: another one each time, or the same request gave the same again. */
export function roundSeed(seed: number, round: number): number {
  return (seed + Math.max(0, round - 1) * seedStride) % seedRange;
}
