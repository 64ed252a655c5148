import { expect, test } from 'vitest';
import { lengthAskedFor, prose } from '../../../emulators/shared/prose.ts';

const lengths = (prompt: string): number[] =>
  Array.from({ length: 40 }, (_, seed) => {
    const text = prose('m', prompt, seed, lengthAskedFor(prompt) ?? { words: 1, isMost: false });
    return text.split(/\s+/).length;
  });

test('a text is about as long as it is asked to be', () => {
  for (const words of lengths('A story of about 200 words.')) {
    expect(words).toBeGreaterThanOrEqual(200);
    expect(words).toBeLessThan(220);
  }
});

test('one that may have at most so many words mostly heeds that, but not always', () => {
  const found = lengths('A slogan, at most 20 words.');
  expect(Math.max(...found)).toBeLessThanOrEqual(24);
  const kept = found.filter((words) => words <= 20).length;
  expect(kept).toBeGreaterThan(found.length / 2);
  expect(kept).toBeLessThan(found.length);
});
