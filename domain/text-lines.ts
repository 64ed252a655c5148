/**
 * A text as the bitmap font can show it: accents dropped, dashes and quotation marks plain, white space as
 * one blank, and one character, which is drawn as a box, for each the font does not have.
 */
export function printable(text: string): string {
  return text
    .normalize('NFKD')
    .replaceAll(/\p{Mark}/gu, '')
    .replaceAll(/\p{Dash_Punctuation}/gu, '-')
    .replaceAll(/[‘’]/g, "'")
    .replaceAll(/[“”]/g, '"')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .replaceAll(/[^ -~]/gu, '\uFFFD');
}

/** Breaks a printable text into lines of at most `width` characters, inside a word only where it is longer than a line. */
export function wrapText(text: string, width: number): string[] {
  const most = Math.max(1, width);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const joined = line === '' ? word : `${line} ${word}`;
    if (joined.length <= most) {
      line = joined;
      continue;
    }
    if (line !== '') lines.push(line);
    line = word;
    while (line.length > most) {
      lines.push(line.slice(0, most));
      line = line.slice(most);
    }
  }
  return [...lines, line];
}
