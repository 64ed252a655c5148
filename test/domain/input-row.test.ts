import { describe, expect, it } from 'vitest';
import { parseInputRow } from '../../domain/input-row.ts';

const parse = (cells: Record<string, unknown>) => parseInputRow(Object.entries(cells));
const rowOf = (cells: Record<string, unknown>) => {
  const result = parse(cells);
  if (!result.ok) throw new Error(result.message);
  return result.row;
};
const messageOf = (cells: Record<string, unknown>): string => {
  const result = parse(cells);
  return result.ok ? 'accepted' : result.message;
};

describe('parseInputRow', () => {
  it.each([
    ['id', ['id', 'item_id', 'record_id'], 'x'],
    ['output_name', ['output_name', 'output_filename', 'filename'], 'x'],
    ['quality', ['quality'], 'high'],
    ['aspect_ratio', ['aspect_ratio', 'ratio'], '16:9'],
    ['negative_prompt', ['negative_prompt', 'negative'], 'x'],
    ['from_image', ['from_image', 'source_image'], 'x.png'],
    ['media_type', ['media_type', 'type'], 'image'],
    ['image_model', ['image_model', 'model'], 'x'],
    ['video_model', ['video_model'], 'x'],
  ])('knows %s by all its names', (column, names, value) => {
    for (const name of names)
      expect(rowOf({ prompt: 'p', [name]: value })).toEqual({ prompt: 'p', [column]: value, fields: {} });
  });

  it('matches column names whatever their case, blanks and dashes', () => {
    expect(rowOf({ ' PROMPT ': 'p', 'Aspect Ratio': '4:3', 'random-seed': '7' })).toEqual({
      prompt: 'p',
      aspect_ratio: '4:3',
      seed: 7,
      fields: {},
    });
  });

  it('takes empty cells as absent and trims the others', () => {
    expect(rowOf({ prompt: '  a cat ', seed: '', quality: ' ', negative: null })).toEqual({
      prompt: 'a cat',
      fields: {},
    });
  });

  it('keeps columns it does not know, as text, also dangerous ones', () => {
    const { fields } = rowOf({ prompt: 'p', 'Shot No': 3, tags: ['a'], ['__proto__']: 'x' });
    expect(Object.entries(fields)).toEqual([
      ['shot_no', '3'],
      ['tags', '["a"]'],
      ['__proto__', 'x'],
    ]);
  });

  it('takes numbers where text is asked for, and text where numbers are', () => {
    expect(rowOf({ prompt: 1984, seed: 5, id: 12 })).toEqual({ prompt: '1984', seed: 5, id: '12', fields: {} });
    expect(rowOf({ prompt: 'p', seed: '42.0' }).seed).toBe(42);
    expect(rowOf({ prompt: 'p', seed: '2147483647' }).seed).toBe(2_147_483_647);
  });

  it('understands ratios that a spreadsheet took for a time of day', () => {
    for (const written of ['16:9', '16:09', '16:09:00', '16 : 9'])
      expect(rowOf({ prompt: 'p', ratio: written }).aspect_ratio).toBe('16:9');
    expect(rowOf({ prompt: 'p', ratio: '01:01' }).aspect_ratio).toBe('1:1');
  });

  it('accepts two names of one column that agree', () => {
    expect(rowOf({ prompt: 'p', seed: '1', random_seed: 1 }).seed).toBe(1);
  });

  it.each<[Record<string, unknown>, string]>([
    [{}, 'prompt: is required'],
    [{ prompt: '   ' }, 'prompt: is required'],
    [{ prompt: '\u200b\u200b' }, 'prompt: must not be blank'],
    [{ prompt: 'x'.repeat(32_001) }, 'prompt: must be at most 32000 characters (got 32001)'],
    [{ prompt: 'a\0b' }, 'prompt: must not hold a NUL character'],
    [{ prompt: 'caf\ufffd' }, 'prompt: holds characters that were damaged (U+FFFD): check the encoding of the file'],
    [{ prompt: 'half \ud83d' }, 'prompt: holds half a surrogate pair, which is not text'],
    [{ prompt: ['p'] }, 'prompt: must be text or a number'],
    [{ prompt: 'p', aspect_ratio: '5:4' }, 'aspect_ratio: must be one of 1:1, 16:9, 9:16, 4:3, 3:4 (got "5:4")'],
    [{ prompt: 'p', Ratio: 'wide' }, 'ratio: must be one of 1:1, 16:9, 9:16, 4:3, 3:4 (got "wide")'],
    [{ prompt: 'p', quality: 'best' }, 'quality: must be one of draft, standard, high (got "best")'],
    [{ prompt: 'p', seed: '-1' }, 'seed: must be a whole number from 0 to 2147483647 (got "-1")'],
    [{ prompt: 'p', seed: 1.5 }, 'seed: must be a whole number from 0 to 2147483647 (got "1.5")'],
    [{ prompt: 'p', seed: '2147483648' }, 'seed: must be a whole number from 0 to 2147483647 (got "2147483648")'],
    [
      { prompt: 'p', seed: '9'.repeat(40) },
      `seed: must be a whole number from 0 to 2147483647 (got "${'9'.repeat(40)}")`,
    ],
    [{ prompt: 'p', type: 'Sound' }, 'type: must be one of image, video (got "sound")'],
    [{ prompt: 'p', type: 'audio' }, 'type: must be one of image, video (got "audio")'],
    [
      { prompt: 'p', from_image: 'ftp://x/y.png' },
      'from_image: must be an http or https URL, or a path (got "ftp://x/y.png")',
    ],
    [{ prompt: 'p', id: 'a/b' }, 'id: must be printable characters without "/" (got "a/b")'],
    [{ prompt: 'p', id: '..' }, 'id: must be printable characters without "/" (got "..")'],
    [{ prompt: 'p', id: 'a\u202eb' }, 'id: must be printable characters without "/" (got "a\u202eb")'],
    [{ prompt: 'p', id: 'x'.repeat(201) }, 'id: must be at most 200 characters'],
    [
      { prompt: 'p', seed: '1', random_seed: '2' },
      'seed and random_seed mean the same and differ: (got "1") and (got "2")',
    ],
  ])('rejects a row by field and rule (%#)', (cells, message) => {
    expect(messageOf(cells)).toBe(message);
  });

  it('names every problem of a row, with long values cut', () => {
    expect(messageOf({ seed: 'x'.repeat(500), quality: 'q' })).toBe(
      `prompt: is required; seed: must be a whole number from 0 to 2147483647 (got "${'x'.repeat(60)}…"); quality: must be one of draft, standard, high (got "q")`,
    );
  });
});
