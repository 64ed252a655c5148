import { SluiceError } from '../../domain/errors.ts';
import type { InputEntry } from './input-entry.ts';
import { maxRecordChars, type Line } from './read-lines.ts';

const jsonMessage = (text: string): string | undefined => {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

const isUnexpectedToken = (message: string | undefined): boolean => message?.startsWith('Unexpected token') === true;

/**
 * What is wrong with a text that is no JSON, and at which character. V8 names no place for an unexpected
 * token, so it is searched for: the shortest beginning of the text that has it ends with it.
 */
function describeJsonError(text: string, message: string): string {
  const placed = /^(.*?)(?: in JSON)? at position (\d+)/.exec(message);
  if (placed !== null) return `${placed[1]} at character ${Number(placed[2]) + 1}`;
  if (!isUnexpectedToken(message)) return `Unexpected end at character ${text.length + 1}`;
  let without = 0;
  let having = text.length;
  while (having - without > 1) {
    const middle = (without + having) >> 1;
    if (isUnexpectedToken(jsonMessage(text.slice(0, middle)))) having = middle;
    else without = middle;
  }
  return `Unexpected token ${JSON.stringify(text[having - 1])} at character ${having}`;
}

function toEntry(line: Line): InputEntry {
  const { number: rowNumber, text: raw } = line;
  const rejected = (errorType: 'json_error' | 'validation_error', message: string): InputEntry => ({
    kind: 'rejected',
    rowNumber,
    errorType,
    message,
    raw,
  });
  if (line.tooLong) return rejected('validation_error', `line: is longer than ${maxRecordChars} characters`);
  let value: unknown;
  try {
    value = JSON.parse(raw);
  } catch (error) {
    return rejected('json_error', describeJsonError(raw, error instanceof Error ? error.message : String(error)));
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return rejected('json_error', 'The line is not a JSON object');
  }
  return { kind: 'row', rowNumber, cells: Object.entries(value), raw };
}

/**
 * Reads JSONL: one JSON object a line, blank lines passed over; a bad line costs only itself.
 * Throws INPUT_UNREADABLE for a file that is one JSON array.
 */
export async function* readJsonl(lines: AsyncIterable<Line[]>, source: string): AsyncGenerator<InputEntry> {
  let first = true;
  for await (const batch of lines) {
    for (const line of batch) {
      if (line.text.trim() === '') continue;
      if (first && line.text.trimStart().startsWith('[')) {
        throw new SluiceError('INPUT_UNREADABLE', `${source} is a JSON array, not JSONL`, {
          action: 'Write one object a line, for example with: jq -c ".[]"',
        });
      }
      first = false;
      yield toEntry(line);
    }
  }
}
