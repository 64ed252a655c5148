import { expect, test } from 'vitest';
import { keyValue } from '../../cli/key-value.ts';

test('pairs are collected; JSON keeps its type, everything else is text', () => {
  const pairs = ['tone=warm', 'words=500', 'tags=["a"]', 'rule=a=b', 'empty='];
  const collected = pairs.reduce<Record<string, unknown>>((sum, pair) => keyValue(pair, sum), {});
  expect(collected).toEqual({ tone: 'warm', words: 500, tags: ['a'], rule: 'a=b', empty: '' });
});

test('what is no pair is refused', () => {
  expect(() => keyValue('tone')).toThrow('key=value');
  expect(() => keyValue('=x')).toThrow('key=value');
});
