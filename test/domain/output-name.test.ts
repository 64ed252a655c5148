import { posix, win32 } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createNameAllocator, safeOutputName } from '../../domain/output-name.ts';

const nasty = fc.string({
  maxLength: 400,
  unit: fc.oneof(
    fc.constantFrom(
      ...[
        '/',
        '\\',
        '.',
        '..',
        '../',
        ' ',
        '\0',
        '\n',
        ':',
        '*',
        '\u2215',
        '\u2044',
        '\uff0f',
        '\uff3c',
        '\ufe68',
        '\u2025',
        '\uff0e',
      ],
      ...[
        '\u202e',
        '\u200d',
        '\ufeff',
        '\ud800',
        '\u2100',
        '½',
        'con',
        'NUL',
        'com1',
        '.png',
        '.JPG',
        '-',
        '~',
        'é',
        'e\u0301',
        '猫',
        '🐈',
        'ß',
      ],
    ),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  ),
});
const device = /^(?:con|prn|aux|nul|com\d|lpt\d)$/i;

describe('safeOutputName', () => {
  it('never leaves its directory and is a file name everywhere', () => {
    fc.assert(
      fc.property(nasty, (wanted) => {
        const name = safeOutputName(wanted);
        if (name === undefined) return;
        expect(posix.resolve('/out', name)).toBe(`/out/${name}`);
        expect(posix.dirname(posix.resolve('/out', name.normalize('NFKC')))).toBe('/out');
        expect(win32.dirname(win32.resolve('C:\\out', name))).toBe('C:\\out');
        expect(win32.basename(name)).toBe(name);
        expect(name).not.toMatch(/[\p{C}<>:"|?*/\\\u2215\u2044]/u);
        expect(name).not.toMatch(/^[.\s]|[.\s]$/);
        expect(name.split('.')[0]?.trim()).not.toMatch(device);
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(180);
        expect(name.isWellFormed()).toBe(true);
        expect(Buffer.from(name).toString()).toBe(name);
      }),
      { numRuns: 2000 },
    );
  });

  it('leaves a safe name as it is', () => {
    fc.assert(
      fc.property(nasty, (wanted) => {
        const name = safeOutputName(wanted);
        if (name !== undefined) expect(safeOutputName(name)).toBe(name);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['cat', 'cat'],
    ['my cat (final) v1.2', 'my cat (final) v1.2'],
    ['Grüße 猫 🐈', 'Grüße 猫 🐈'],
    ['cat.png', 'cat'],
    ['cat.JPEG', 'cat'],
    ['cat.webp ', 'cat'],
    ['cat.v2', 'cat.v2'],
    ['../../etc/passwd', 'etc-passwd'],
    ['/etc/passwd', 'etc-passwd'],
    ['a/../b', 'a-b'],
    ['C:\\temp\\cat.png', 'C-temp-cat'],
    ['a\u2215b\u2044c\uff0fd\uff3ce', 'a-b-c-d-e'],
    ['\u2025/x', 'x'],
    ['cat\u202egnp.exe', 'catgnp.exe'],
    ['line\nbreak\ttab', 'line break tab'],
    ['folder/.png', 'folder'],
    ['CON', '_CON'],
    ['nul.txt', '_nul.txt'],
    ['com1', '_com1'],
    ['com¹', '_com1'],
    ['console', 'console'],
    ['what? "why" <b>', 'what- -why- -b'],
    ['-rf', 'rf'],
    ['...hidden...', 'hidden'],
  ])('turns %j into %j', (wanted, name) => {
    expect(safeOutputName(wanted)).toBe(name);
  });

  it.each(['', ' ', '.', '..', '../..', '/', '\0', '.png', '???', '\u200b'])('finds nothing usable in %j', (wanted) => {
    expect(safeOutputName(wanted)).toBeUndefined();
  });

  it('keeps long names apart, cut between characters', () => {
    const long = '猫'.repeat(300);
    const [a, b] = [safeOutputName(`${long}a`), safeOutputName(`${long}b`)];
    expect(a).toMatch(/^猫{57}-[0-9a-f]{8}$/u);
    expect(a).not.toBe(b);
  });
});

describe('createNameAllocator', () => {
  const allocateAll = (names: string[]): string[] => {
    const allocator = createNameAllocator();
    return names.map((name) => allocator.allocate(name));
  };

  it('numbers names that are wanted again', () => {
    expect(allocateAll(['cat', 'cat', 'dog', 'cat'])).toEqual(['cat', 'cat-2', 'dog', 'cat-3']);
  });

  it('stays distinct when a numbered name is itself wanted, before or after', () => {
    expect(allocateAll(['cat', 'cat', 'cat-2', 'cat'])).toEqual(['cat', 'cat-2', 'cat-2-2', 'cat-3']);
    expect(allocateAll(['cat-2', 'cat', 'cat'])).toEqual(['cat-2', 'cat', 'cat-3']);
  });

  it('takes names that differ only in case for the same', () => {
    expect(allocateAll(['Cat', 'cat', 'STRASSE', 'straße'])).toEqual(['Cat', 'cat-2', 'STRASSE', 'straße-2']);
  });

  it('gives distinct names for any wanted ones, the same ones every time', () => {
    const small = fc.stringMatching(/^[aAbB](-[23])?(-[23])?$/);
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            small,
            nasty.map((text) => safeOutputName(text) ?? 'x'),
          ),
          { maxLength: 60 },
        ),
        (wanted) => {
          const names = allocateAll(wanted);
          expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(names.length);
          expect(allocateAll(wanted)).toEqual(names);
          names.forEach((name, place) => expect(name.startsWith(wanted[place] ?? '')).toBe(true));
        },
      ),
    );
  });

  it('does not slow down when one name is wanted a hundred thousand times', () => {
    expect(allocateAll(Array.from({ length: 100_000 }, () => 'cat')).at(-1)).toBe('cat-100000');
  });
});
