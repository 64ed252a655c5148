import { createHash } from 'node:crypto';
import { isAbsolute, relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { CellView, Labelled } from './comparison.ts';

interface PageInput {
  title: string;
  rows: readonly Labelled[];
  columns: readonly Labelled[];
  /** Row by row. */
  views: readonly (readonly CellView[])[];
  /** Where the page will lie, absolute: pictures are linked from there. */
  directory: string;
}

/** Pictures up to this width are enlarged without smoothing. */
const pixelArtWidth = 128;

/** The page of a comparison. Its policy allows pictures and its own style sheet, and no scripts at all. */
export function renderPage({ title, rows, columns, views, directory }: PageInput): string {
  const style = styleSheet(columns.length);
  const policy = [
    "default-src 'none'",
    "script-src 'none'",
    // A page opened from a disk has no origin that 'self' could mean.
    "img-src 'self' file:",
    `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const sections = rows.map(({ label }, row) => {
    const figures = columns.map((column, place) => renderCell(views[row]?.[place], label, column.label, directory));
    return `<section>\n<h2 dir="auto">${escapeHtml(label)}</h2>\n<div class="cells">\n${figures.join('\n')}\n</div>\n</section>`;
  });
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escapeHtml(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
<header>
<h1 dir="auto">${escapeHtml(title)}</h1>
<p>Rows: ${rows.length}. Columns: ${columns.length}. Choose a picture to see it in full.</p>
</header>
<main>
${sections.join('\n')}
</main>
</body>
</html>
`;
}

function renderCell(view: CellView | undefined, row: string, column: string, directory: string): string {
  const caption = `<figcaption dir="auto">${escapeHtml(column)}</figcaption>`;
  if (view === undefined || view.file === null || view.shown === 'nowhere') {
    return `<figure>${caption}<p class="missing">${escapeHtml(view?.reason ?? '')}</p></figure>`;
  }
  const { file, size } = view;
  const address = escapeHtml(addressFrom(directory, file));
  const sizes = size === null ? '' : ` width="${size.width}" height="${size.height}"`;
  const small = size !== null && size.width <= pixelArtWidth ? ' class="small"' : '';
  const picture = `<img src="${address}" alt="${escapeHtml(`${row}, ${column}`)}"${sizes}${small} loading="lazy">`;
  return `<figure>${caption}<a href="${address}">${picture}</a></figure>`;
}

/** A relative address, each part of the path encoded; on Windows an absolute one for another drive. */
function addressFrom(directory: string, file: string): string {
  const path = relative(directory, file);
  if (isAbsolute(path)) return pathToFileURL(file).href;
  return path
    .split(sep)
    .map((part) => encodeURIComponent(part.toWellFormed()))
    .join('/');
}

function escapeHtml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? '');
}

function styleSheet(columns: number): string {
  return `
:root { color-scheme: light dark; --ink: #1c1c1e; --faint: #5c5c62; --ground: #fff; --box: #f0f0f2; --line: #d2d2d7; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #f0f0f2; --faint: #a8a8b0; --ground: #161618; --box: #242428; --line: #3c3c42; }
}
* { box-sizing: border-box; }
body { margin: 0; padding: 1.25rem; background: var(--ground); color: var(--ink); font: 1rem/1.45 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.5rem; overflow-wrap: anywhere; }
header p { margin: 0.25rem 0 0; color: var(--faint); }
section { margin-top: 1.25rem; padding-top: 0.75rem; border-top: 1px solid var(--line); }
h2 { margin: 0 0 0.5rem; max-height: 14em; overflow: auto; font-size: 1rem; font-weight: 600; overflow-wrap: anywhere; }
.cells { display: grid; grid-template-columns: repeat(${Math.max(1, columns)}, minmax(9rem, 32rem)); gap: 0.75rem; overflow-x: auto; }
figure { display: flex; flex-direction: column; margin: 0; min-width: 0; }
figcaption { margin-bottom: 0.25rem; color: var(--faint); font-size: 0.875rem; overflow-wrap: anywhere; }
a { display: block; margin-top: auto; }
a:focus-visible { outline: 3px solid #4c8bf5; outline-offset: -3px; }
img { display: block; width: 100%; height: auto; background: repeating-conic-gradient(#dedede 0 25%, #fff 0 50%) 0 0 / 16px 16px; color: #1c1c1e; }
.small { image-rendering: pixelated; }
.missing { display: flex; flex: 1; align-items: center; justify-content: center; margin: 0; min-height: 6rem; padding: 0.5rem; border: 1px dashed var(--line); background: var(--box); color: var(--faint); text-align: center; overflow-wrap: anywhere; }
@media (max-width: 40rem) {
  body { padding: 0.75rem; }
  .cells { grid-template-columns: repeat(${Math.min(2, Math.max(1, columns))}, minmax(0, 1fr)); overflow-x: visible; }
}
`;
}
