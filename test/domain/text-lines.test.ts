import { expect, it } from 'vitest';
import { printable, wrapText } from '../../domain/text-lines.ts';

it('turns accents, dashes, quotation marks and white space into what the font has, and the rest into one box each', () => {
  expect(printable('  Ünïcode — “a”\n‘b’ … ½ 緑🐉 ')).toBe('Unicode - "a" \'b\' ... 1\uFFFD2 \uFFFD\uFFFD');
});

it('breaks at blanks, and inside words that are longer than a line', () => {
  expect(wrapText('one two three', 7)).toEqual(['one two', 'three']);
  expect(wrapText('a bcdefghij k', 4)).toEqual(['a', 'bcde', 'fghi', 'j k']);
});

it('ends for a width that has no room for anything', () => {
  expect(wrapText('ab', 0)).toEqual(['a', 'b']);
});
