import { strFromU8, unzipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { writeEpub, type Book } from '../../../activities/export/epub.ts';
import { parseXml } from './parse-xml.ts';

const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);

function book(more: Partial<Book> = {}): Book {
  return {
    title: 'Salt & "Iron" <I>',
    author: 'A & B',
    language: 'en-GB',
    modified: '2000-01-01T00:00:00Z',
    cover: { mimeType: 'image/png', data: png },
    chapters: [
      {
        title: 'One *',
        markdown:
          'Hello&nbsp;there &copy; &foo; \u0001<b>bold <i>x</b>\n\n- [x] t\n\n|a|b|\n|:-:|--|\n|1|2|\n\n***\n\nx  \ny <br> z',
      },
      {
        title: 'Two',
        markdown: '# The *second* & last\n\n![pic](a.png) [in](other.md) [out](https://example.org/?a=1&b=2)',
      },
      { title: 'Three', markdown: '' },
    ],
    ...more,
  };
}

function unpack(epub: Uint8Array): Record<string, string> {
  return Object.fromEntries(Object.entries(unzipSync(epub)).map(([path, data]) => [path, strFromU8(data)]));
}

describe('an EPUB', () => {
  test('begins with its media type, which is stored as it is', () => {
    const bytes = Buffer.from(writeEpub(book()));
    // Local header: method at 8, no extra field at 28, name at 30, content right behind it.
    expect(bytes.readUInt16LE(8)).toBe(0);
    expect(bytes.readUInt16LE(28)).toBe(0);
    expect(bytes.subarray(30, 38).toString()).toBe('mimetype');
    expect(bytes.subarray(38, 58).toString()).toBe('application/epub+zip');
  });

  test('holds only XML that parses, whatever stands in the texts', () => {
    const files = unpack(writeEpub(book()));
    const parsed = Object.entries(files).filter(([path]) => /\.(xml|opf|ncx|xhtml)$/.test(path));
    expect(parsed).toHaveLength(9);
    for (const [path, text] of parsed) expect(() => parseXml(text), path).not.toThrow();
    const first = files['EPUB/chapter-0001.xhtml'];
    expect(first).toContain('<h1>One *</h1>');
    expect(first).toContain('Hello\u00a0there © &amp;foo; bold x');
    expect(first).toContain('<th style="text-align: center">a</th>');
    expect(first).toContain('x<br/>y <br/> z');
    const second = files['EPUB/chapter-0002.xhtml'];
    expect(second).toContain('<p>pic in <a href="https://example.org/?a=1&amp;b=2">out</a></p>');
  });

  test('lists all its files, and every one of them is there', () => {
    const files = unpack(writeEpub(book()));
    const opf = parseXml(files['EPUB/package.opf'] ?? '');
    const items = opf.filter(({ name }) => name === 'item');
    const present = Object.keys(files).filter((path) => path.startsWith('EPUB/') && path !== 'EPUB/package.opf');
    expect(items.map(({ attributes }) => `EPUB/${String(attributes['href'])}`).sort()).toEqual(present.sort());
    expect(items.filter(({ attributes }) => attributes['properties'] === 'nav')).toHaveLength(1);
    expect(items.filter(({ attributes }) => attributes['properties'] === 'cover-image')).toHaveLength(1);
    const ids = items.map(({ attributes }) => attributes['id']);
    const order = opf.filter(({ name }) => name === 'itemref').map(({ attributes }) => attributes['idref']);
    expect(order).toEqual(['cover', 'title', 'nav', 'chapter-1', 'chapter-2', 'chapter-3']);
    expect(order.every((id) => ids.includes(id))).toBe(true);
  });

  test('names its chapters by their own headings in both tables of contents', () => {
    const files = unpack(writeEpub(book()));
    const entries = parseXml(files['EPUB/nav.xhtml'] ?? '').filter(({ name }) => name === 'a');
    expect(entries.map(({ text }) => text)).toEqual(['One *', 'The second & last', 'Three']);
    const points = parseXml(files['EPUB/toc.ncx'] ?? '').filter(({ name }) => name === 'content');
    expect(points.map(({ attributes }) => attributes['src'])).toEqual([
      'chapter-0001.xhtml',
      'chapter-0002.xhtml',
      'chapter-0003.xhtml',
    ]);
  });

  test('is the same to the byte for the same book, and has another identifier for another one', () => {
    expect(Buffer.from(writeEpub(book())).equals(writeEpub(book()))).toBe(true);
    const identifier = (epub: Uint8Array): string | undefined =>
      /urn:uuid:[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}/.exec(
        unpack(epub)['EPUB/package.opf'] ?? '',
      )?.[0];
    expect(identifier(writeEpub(book()))).toBeDefined();
    expect(identifier(writeEpub(book({ title: 'Other' })))).not.toBe(identifier(writeEpub(book())));
  });

  test('is refused without chapters, with a language or a cover that is none', () => {
    expect(() => writeEpub(book({ chapters: [] }))).toThrow(/no chapters/);
    expect(() => writeEpub(book({ language: 'not a tag' }))).toThrow(/^language: /);
    expect(() => writeEpub(book({ cover: { mimeType: 'image/tiff', data: png } }))).toThrow(/^cover: /);
  });
});
