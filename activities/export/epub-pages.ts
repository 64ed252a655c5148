import { xml } from './xml.ts';

/** What the pages of a book tell. */
export interface BookFacts {
  title: string;
  author: string | null;
  language: string;
  modified: string;
  identifier: string;
  chapters: readonly { file: string; title: string; html: string }[];
  cover: { file: string; mimeType: string } | null;
}

export const containerXml = `<?xml version="1.0" encoding="UTF-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
  <rootfiles>
    <rootfile full-path="EPUB/package.opf" media-type="application/oebps-package+xml"/>
  </rootfiles>
</container>
`;

export const styleCss = `body { margin: 5%; line-height: 1.5; }
h1 { margin: 2em 0 1em; text-align: center; }
.title { text-align: center; margin-top: 30%; }
.cover { margin: 0; text-align: center; }
.cover img { max-width: 100%; max-height: 100vh; }
table { border-collapse: collapse; }
th, td { border: 1px solid; padding: 0.2em 0.5em; }
`;

/** Metadata, manifest and reading order. @see https://www.w3.org/TR/epub-33/#sec-package-doc */
export function packageXml({ title, author, language, modified, identifier, chapters, cover }: BookFacts): string {
  const creator = author === null ? '' : `\n    <dc:creator>${xml(author)}</dc:creator>`;
  const coverItems =
    cover === null
      ? ''
      : `
    <item id="cover-image" href="${cover.file}" media-type="${cover.mimeType}" properties="cover-image"/>
    <item id="cover" href="cover.xhtml" media-type="application/xhtml+xml"/>`;
  const items = chapters
    .map(({ file }, place) => `    <item id="${idOf(place)}" href="${file}" media-type="application/xhtml+xml"/>`)
    .join('\n');
  const order = chapters.map((_, place) => `    <itemref idref="${idOf(place)}"/>`).join('\n');
  return `<?xml version="1.0" encoding="UTF-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="book-id" xml:lang="${language}">
  <metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
    <dc:identifier id="book-id">${identifier}</dc:identifier>
    <dc:title>${xml(title)}</dc:title>
    <dc:language>${language}</dc:language>${creator}
    <meta property="dcterms:modified">${modified}</meta>${cover === null ? '' : '\n    <meta name="cover" content="cover-image"/>'}
  </metadata>
  <manifest>
    <item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
    <item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>
    <item id="style" href="style.css" media-type="text/css"/>${coverItems}
    <item id="title" href="title.xhtml" media-type="application/xhtml+xml"/>
${items}
  </manifest>
  <spine toc="ncx">${cover === null ? '' : '\n    <itemref idref="cover"/>'}
    <itemref idref="title"/>
    <itemref idref="nav"/>
${order}
  </spine>
</package>
`;
}

export function navPage(facts: BookFacts): string {
  const entries = facts.chapters.map(({ file, title }) => `        <li><a href="${file}">${xml(title)}</a></li>`);
  return page(
    facts,
    facts.title,
    `    <nav epub:type="toc" id="toc">
      <h1>${xml(facts.title)}</h1>
      <ol>
${entries.join('\n')}
      </ol>
    </nav>
`,
  );
}

/** The table of contents of EPUB 2, for readers that know no other. */
export function tocNcx({ title, identifier, chapters }: BookFacts): string {
  const points = chapters.map(
    (chapter, place) => `    <navPoint id="${idOf(place)}" playOrder="${String(place + 1)}">
      <navLabel><text>${xml(chapter.title)}</text></navLabel>
      <content src="${chapter.file}"/>
    </navPoint>`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?>
<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/" version="2005-1">
  <head>
    <meta name="dtb:uid" content="${identifier}"/>
  </head>
  <docTitle><text>${xml(title)}</text></docTitle>
  <navMap>
${points.join('\n')}
  </navMap>
</ncx>
`;
}

export function titlePage(facts: BookFacts): string {
  const author = facts.author === null ? '' : `\n      <p>${xml(facts.author)}</p>`;
  return page(
    facts,
    facts.title,
    `    <section class="title" epub:type="titlepage">
      <h1>${xml(facts.title)}</h1>${author}
    </section>
`,
  );
}

export function coverPage(facts: BookFacts): string {
  const file = facts.cover?.file ?? '';
  return page(
    facts,
    facts.title,
    `    <section class="cover" epub:type="cover">\n      <img src="${file}" alt="${xml(facts.title)}"/>\n    </section>\n`,
  );
}

export function textPage(facts: BookFacts, chapter: { title: string; html: string }): string {
  return page(facts, chapter.title, `    <section epub:type="chapter">\n${chapter.html}    </section>\n`);
}

function page({ language }: BookFacts, title: string, body: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" xml:lang="${language}" lang="${language}">
  <head>
    <meta charset="UTF-8"/>
    <title>${xml(title)}</title>
    <link rel="stylesheet" type="text/css" href="style.css"/>
  </head>
  <body>
${body}  </body>
</html>
`;
}

function idOf(place: number): string {
  return `chapter-${String(place + 1)}`;
}
