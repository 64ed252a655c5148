import type { ComponentChild } from 'preact';

/**
 * The Markdown that reports are written in: headings, tables, lists, paragraphs, bold and code. Drawn as
 * elements, never as HTML, so that nothing in a report can become part of the page.
 */
export function Markdown({ text }: { text: string }) {
  const blocks = text.trim().split(/\n{2,}/);
  return <>{blocks.map((block, place) => renderBlock(block, place))}</>;
}

function renderBlock(block: string, key: number): ComponentChild {
  const lines = block.split('\n');
  const [first = ''] = lines;
  const heading = /^(#{1,3}) (.*)$/.exec(first);
  if (heading !== null) {
    const Tag = heading[1] === '#' ? 'h2' : 'h3';
    return <Tag key={key}>{inline(heading[2] ?? '')}</Tag>;
  }
  if (first.startsWith('|')) return <Table key={key} lines={lines} />;
  if (/^[-*] /.test(first)) {
    return (
      <ul key={key}>
        {lines.map((line, place) => (
          <li key={place}>{inline(line.replace(/^[-*] /, ''))}</li>
        ))}
      </ul>
    );
  }
  return <p key={key}>{inline(lines.join(' '))}</p>;
}

function Table({ lines }: { lines: readonly string[] }) {
  const [head = '', rule = '', ...body] = lines;
  const right = cellsOf(rule).map((cell) => cell.endsWith(':'));
  const look = (place: number): string => (right[place] === true ? 'number' : 'wrap');
  return (
    <div class="table-box" tabIndex={0} role="region" aria-label={cellsOf(head).join(', ')}>
      <table>
        <thead>
          <tr>
            {cellsOf(head).map((cell, place) => (
              <th key={place} scope="col" class={look(place)}>
                {inline(cell)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {body.map((line, row) => (
            <tr key={row}>
              {cellsOf(line).map((cell, place) => (
                <td key={place} class={look(place)}>
                  {inline(cell)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** A `|` that is part of a cell has a backslash before it. */
function cellsOf(line: string): string[] {
  return line
    .replace(/^\|/, '')
    .replace(/\|\s*$/, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());
}

function inline(text: string): ComponentChild[] {
  return text.split(/(\*\*[^*]+\*\*|`[^`]+`)/).map((part, place) => {
    if (part.startsWith('**') && part.endsWith('**') && part.length > 4) {
      return <b key={place}>{unescape(part.slice(2, -2))}</b>;
    }
    if (part.startsWith('`') && part.endsWith('`') && part.length > 2)
      return <code key={place}>{part.slice(1, -1)}</code>;
    return unescape(part);
  });
}

/** Undoes what domain/report-markdown.ts escapes. */
function unescape(text: string): string {
  return text
    .replace(/\\([!-/:-@[-`{-~])/g, '$1')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}
