import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createHashMap } from '../../domain/hash-map.ts';

it('behaves like a map of strings', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.string({ unit: 'binary', maxLength: 4 }), fc.integer({ min: 1, max: 0xffffffff }))),
      (entries) => {
        const expected = new Map<string, number>();
        const map = createHashMap();
        for (const [key, value] of entries) {
          if (map.get(key) !== expected.get(key)) return false;
          expected.set(key, value);
          map.set(key, value);
        }
        return [...expected].every(([key, value]) => map.get(key) === value);
      },
    ),
  );
});

it('tells a hundred thousand similar keys apart while it grows', () => {
  const map = createHashMap();
  const seenBefore: number[] = [];
  for (let i = 1; i <= 100_000; i++) {
    if (map.get(`item-${i}`) !== undefined) seenBefore.push(i);
    map.set(`item-${i}`, i);
  }
  const lost = Array.from({ length: 100_000 }, (_, i) => i + 1).filter((i) => map.get(`item-${i}`) !== i);
  expect({ seenBefore, lost }).toEqual({ seenBefore: [], lost: [] });
});

it.each([0, -1, 1.5, 2 ** 32])('refuses the value %d, which it could not give back', (value) => {
  expect(() => createHashMap().set('k', value)).toThrow(RangeError);
});
