/** A string's two 32-bit hashes. Not for security: nobody gains by colliding names of their own batch. */
function hashString(text: string): [number, number] {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    a = Math.imul(a ^ unit, 2654435761);
    b = Math.imul(b ^ unit, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return [a >>> 0, b >>> 0];
}

/** Eight hex digits that tell texts apart, for names that had to be cut. */
export function shortHash(text: string): string {
  return hashString(text)[0].toString(16).padStart(8, '0');
}

/** Sixteen hex digits that do, where there may be many. */
export function longHash(text: string): string {
  return hashString(text)
    .map((half) => half.toString(16).padStart(8, '0'))
    .join('');
}

/** A growing map from strings to numbers from 1 to 2^32-1 that keeps no strings. */
export interface HashMap {
  get(key: string): number | undefined;
  set(key: string, value: number): void;
}

/**
 * Remembers strings by a 64-bit hash in typed arrays: 12 bytes a slot, at most two thirds full, so a
 * million keys take 24 MB where a `Map` of strings takes over 100 MB. Two different keys out of a
 * million meet with a probability of 3 in 100 million.
 *
 * @see https://github.com/bryc/code/blob/master/jshash/experimental/cyrb53.js (the hash)
 */
export function createHashMap(): HashMap {
  let capacity = 1024;
  let used = 0;
  let high = new Uint32Array(capacity);
  let low = new Uint32Array(capacity);
  let values = new Uint32Array(capacity);

  /** The slot of a key, or the empty slot (value 0) where it would go. */
  const slotOf = (a: number, b: number): number => {
    let slot = a & (capacity - 1);
    while (values[slot] !== 0 && (high[slot] !== a || low[slot] !== b)) slot = (slot + 1) & (capacity - 1);
    return slot;
  };

  const place = (a: number, b: number, value: number): void => {
    const slot = slotOf(a, b);
    if (values[slot] === 0) used++;
    high[slot] = a;
    low[slot] = b;
    values[slot] = value;
  };

  const grow = (): void => {
    const old = { high, low, values };
    capacity *= 2;
    used = 0;
    high = new Uint32Array(capacity);
    low = new Uint32Array(capacity);
    values = new Uint32Array(capacity);
    for (const [slot, value] of old.values.entries()) {
      if (value !== 0) place(old.high[slot] ?? 0, old.low[slot] ?? 0, value);
    }
  };

  return {
    get(key) {
      const [a, b] = hashString(key);
      const value = values[slotOf(a, b)];
      return value === 0 ? undefined : value;
    },
    set(key, value) {
      if (!Number.isInteger(value) || value < 1 || value > 0xffffffff) {
        throw new RangeError(`a hash map holds whole numbers from 1 to 2^32-1, not ${value}`);
      }
      if (used * 3 > capacity * 2) grow();
      place(...hashString(key), value);
    },
  };
}
