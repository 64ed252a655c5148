/** Longest line and longest CSV record, in characters: what bounds memory when a quote is never closed. */
export const maxRecordChars = 1024 * 1024;

/** What is kept of a line that is too long. */
const keptChars = 1000;

export interface Line {
  /** Without its end; the beginning only when `tooLong`. */
  text: string;
  /** One-based. */
  number: number;
  tooLong: boolean;
}

/**
 * Splits text into lines, ended by LF, CRLF or a lone CR, in the batches it arrives in. A line over the
 * limit is cut and marked, and never held whole.
 */
export async function* readLines(
  chunks: AsyncIterable<string>,
  maxChars: number = maxRecordChars,
): AsyncGenerator<Line[]> {
  let number = 0;
  let carry = '';
  /** Set while the rest of a line that is too long is passed over. */
  let overflow: string | undefined;

  const take = (text: string): Line => {
    number++;
    const whole = carry + text;
    const line: Line =
      overflow === undefined && whole.length <= maxChars
        ? { text: whole, number, tooLong: false }
        : { text: (overflow ?? whole).slice(0, keptChars), number, tooLong: true };
    carry = '';
    overflow = undefined;
    return line;
  };

  for await (const chunk of chunks) {
    // A CR at the end of what has come so far may be half a CRLF: `carry` keeps it until more comes.
    const held = carry.endsWith('\r') ? '\r' : '';
    if (held !== '') carry = carry.slice(0, -1);
    const text = held + chunk;
    const complete = text.endsWith('\r') ? text.slice(0, -1) : text;
    const pieces = complete.split(/\r\n|\n|\r/);
    const last = pieces.pop() ?? '';
    const lines = pieces.map(take);
    if (overflow === undefined) {
      carry += last;
      if (carry.length > maxChars) {
        overflow = carry.slice(0, keptChars);
        carry = '';
      }
    }
    if (complete !== text) carry += '\r';
    if (lines.length > 0) yield lines;
  }
  const endsInCr = carry.endsWith('\r');
  if (endsInCr) carry = carry.slice(0, -1);
  if (endsInCr || carry !== '' || overflow !== undefined) yield [take('')];
}
