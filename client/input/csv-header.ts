import { SluiceError } from '../../domain/errors.ts';
import { knownColumn, normaliseColumn } from '../../domain/input-columns.ts';

const delimiters = [',', ';', '\t', '|'] as const;

/** The delimiter that occurs most often in the header line outside quotes; a comma when there is none. */
export function detectDelimiter(headerLine: string): string {
  const plain = headerLine.replace(/"[^"]*"/g, '');
  const counts = delimiters.map((delimiter) => plain.split(delimiter).length - 1);
  return delimiters[counts.indexOf(Math.max(...counts))] ?? ',';
}

const shown = (names: string[]): string =>
  names.length === 0
    ? 'none'
    : names
        .slice(0, 20)
        .map((name) => (name.length > 40 ? `${name.slice(0, 40)}…` : name))
        .join(', ') + (names.length > 20 ? ', …' : '');

/**
 * Names the columns of a CSV by its header. A column without a name is called by its place, `column_3`.
 *
 * @param required columns that no row may leave empty
 *
 * Throws INPUT_UNREADABLE when one of those is missing, or when two columns have the same name: which of
 * them is meant cannot be known, and a batch must not pay for the wrong one.
 */
export function readHeader(cells: string[], source: string, required: readonly string[]): string[] {
  const names = cells.map((cell, place) => (cell.trim() === '' ? `column_${place + 1}` : cell.trim()));
  const normalised = names.map(normaliseColumn);
  const twice = names.find((_, place) => normalised.indexOf(normalised[place] ?? '') !== place);
  if (twice !== undefined) {
    throw new SluiceError('INPUT_UNREADABLE', `${source} has two columns named "${twice}"`, {
      action: 'Rename or remove one of them.',
    });
  }
  const there = new Set(normalised.map((name) => knownColumn(name) ?? name));
  const missing = required.find((name) => !there.has(name));
  if (missing !== undefined) {
    throw new SluiceError(
      'INPUT_UNREADABLE',
      `${source} has no "${missing}" column; its first row names: ${shown(names)}`,
      {
        action: `Give the file a header row with a column named ${missing}.`,
      },
    );
  }
  return names;
}
