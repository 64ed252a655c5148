import { createHash } from 'node:crypto';
import { zipSync, type Zippable } from 'fflate';
import { SluiceError } from '../../domain/errors.ts';
import { containerXml, coverPage, navPage, packageXml, styleCss, textPage, titlePage, tocNcx } from './epub-pages.ts';
import { firstHeading, toXhtml } from './xhtml.ts';

/** One chapter of a book. */
export interface Chapter {
  /** For a text that does not begin with a heading of the first level. */
  title: string;
  markdown: string;
}

export interface Book {
  title: string;
  author: string | null;
  /** BCP 47, e.g. `en` or `de-AT`. */
  language: string;
  /** ISO 8601, UTC, to the second: what the book says of when it was last changed. */
  modified: string;
  chapters: readonly Chapter[];
  cover: { mimeType: string; data: Uint8Array } | null;
}

const coverTypes: Readonly<Record<string, string>> = {
  'image/png': 'png',
  'image/jpeg': 'jpg',
  'image/webp': 'webp',
  'image/gif': 'gif',
};

/**
 * Makes an EPUB 3 of chapters in Markdown: title page, cover if there is one, a file for each chapter, and the
 * table of contents twice (`nav.xhtml`, and `toc.ncx` for older readers). The same book gives the same bytes:
 * dates in the archive are fixed, and its identifier follows from what it holds.
 *
 * @throws SluiceError INVALID_INPUT for a book without chapters, a language or a cover that is none
 * @see https://www.w3.org/TR/epub-33/
 */
export function writeEpub(book: Book): Uint8Array {
  if (book.chapters.length === 0) throw new SluiceError('INVALID_INPUT', 'The book has no chapters.');
  if (!/^[a-z]{2,3}(-[a-z0-9]{2,8})*$/i.test(book.language)) {
    throw new SluiceError('INVALID_INPUT', `language: "${book.language}" is no tag such as en or de-AT`);
  }
  const extension = book.cover === null ? undefined : coverTypes[book.cover.mimeType];
  if (book.cover !== null && extension === undefined) {
    throw new SluiceError('INVALID_INPUT', `cover: ${book.cover.mimeType} is no PNG, JPEG, WebP or GIF`);
  }
  const chapters = book.chapters.map(({ title, markdown }, place) => {
    const heading = firstHeading(markdown);
    const body = `${heading === null ? `# ${escapeMarkdown(title)}\n\n` : ''}${markdown}`;
    return {
      file: `chapter-${String(place + 1).padStart(4, '0')}.xhtml`,
      title: heading ?? title,
      html: toXhtml(body),
    };
  });
  const cover =
    book.cover === null || extension === undefined
      ? null
      : { file: `cover.${extension}`, mimeType: book.cover.mimeType, data: book.cover.data };
  const { title, author, language, modified } = book;
  const facts = { title, author, language, modified, identifier: identifierOf(book), chapters, cover };
  const files: Record<string, string | Uint8Array> = {
    'META-INF/container.xml': containerXml,
    'EPUB/package.opf': packageXml(facts),
    'EPUB/nav.xhtml': navPage(facts),
    'EPUB/toc.ncx': tocNcx(facts),
    'EPUB/style.css': styleCss,
    ...(cover === null ? {} : { [`EPUB/${cover.file}`]: cover.data, 'EPUB/cover.xhtml': coverPage(facts) }),
    'EPUB/title.xhtml': titlePage(facts),
    ...Object.fromEntries(chapters.map((chapter) => [`EPUB/${chapter.file}`, textPage(facts, chapter)])),
  };
  return zip(files);
}

/** The mimetype is the first file, and the only one that is not packed: readers look for it at a fixed place. */
function zip(files: Record<string, string | Uint8Array>): Uint8Array {
  // Archives hold local times; one that is made from local parts is the same everywhere.
  const mtime = new Date(1980, 0, 1);
  const encoder = new TextEncoder();
  const entries: Zippable = { mimetype: [encoder.encode('application/epub+zip'), { level: 0, mtime }] };
  for (const [path, content] of Object.entries(files)) {
    entries[path] = [typeof content === 'string' ? encoder.encode(content) : content, { level: 6, mtime }];
  }
  return zipSync(entries);
}

/** A UUID (version 8: of our own making) out of what the book holds. */
function identifierOf({ title, author, language, chapters, cover }: Book): string {
  const hash = createHash('sha256').update(JSON.stringify([title, author, language, chapters]));
  if (cover !== null) hash.update(cover.data);
  const digits = hash.digest('hex');
  const variant = ((Number.parseInt(digits.slice(16, 17), 16) & 3) | 8).toString(16);
  const groups = [digits.slice(0, 8), digits.slice(8, 12), `8${digits.slice(13, 16)}`];
  return `urn:uuid:${[...groups, `${variant}${digits.slice(17, 20)}`, digits.slice(20, 32)].join('-')}`;
}

/** A title is plain text, whatever marks it holds. */
function escapeMarkdown(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[\\`*_{}[\]<>()#+\-.!|~&]/g, '\\$&');
}
