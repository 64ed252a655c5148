/**
 * Text from outside (ids, messages, paths) as Markdown that shows it and nothing else: on one line, no
 * markup, no HTML, no broken table. Cut after `maxLength` characters, so that one row stays readable.
 */
export function escapeMarkdown(text: string, maxLength = 200): string {
  return escapeMarkup(cut(oneLine(text), maxLength));
}

/** Text as a code span, whatever backticks it has. Not for table cells: a pipe would still split them. */
export function codeSpan(text: string): string {
  const shown = oneLine(text);
  const runs = shown.match(/`+/g) ?? [];
  const fence = '`'.repeat(1 + Math.max(0, ...runs.map((run) => run.length)));
  return runs.length > 0 ? `${fence} ${shown} ${fence}` : `${fence}${shown}${fence}`;
}

/** A table whose cells are Markdown already. `r` in `alignment` sets a column of figures to the right. */
export function markdownTable(alignment: string, header: string[], rows: string[][]): string {
  const rule = [...alignment].map((side) => (side === 'r' ? '---:' : '---'));
  return [header, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function oneLine(text: string): string {
  // Line and paragraph separators, control characters and the marks that turn the direction of text.
  return text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu, ' ')
    .replace(/ {2,}/g, ' ')
    .trim();
}

function cut(text: string, maxLength: number): string {
  const characters = [...text];
  return characters.length <= maxLength ? text : `${characters.slice(0, maxLength - 1).join('')}…`;
}

function escapeMarkup(text: string): string {
  // An underscore inside a word and an ampersand that starts no entity are text already.
  return text.replace(/[\\`*[\]<>#|~$]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])|&(?=#?\w+;)/gu, '\\$&');
}
