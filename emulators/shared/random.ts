import { createHash } from 'node:crypto';

/**
 * A repeatable stream of numbers in [0, 1) that depends on the given parts and on nothing else: not on
 * time, order or earlier streams (mulberry32, seeded from a SHA-256 over the parts).
 */
export function randomStream(...parts: (string | number | null)[]): () => number {
  let state = createHash('sha256').update(JSON.stringify(parts)).digest().readUInt32LE();
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
