const seedRange = 2 ** 31;
/** Primes, so that neighbouring seeds of a batch do not shift onto each other. */
const seedStride = 1_000_003;
const againStride = 15_485_863;

/**
 * The seed of a step in a round of its loop: another one each time, or the same request gave the same again.
 * @param rejected how often people rejected what the step made. @default never
 */
export function roundSeed(seed: number, round: number, rejected = 0): number {
  return (seed + Math.max(0, round - 1) * seedStride + rejected * againStride) % seedRange;
}
