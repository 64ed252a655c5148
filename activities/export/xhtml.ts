import { Marked, type Tokens } from 'marked';
import { xml } from './xml.ts';

/**
 * Markdown as XHTML that an EPUB may hold. Tags in the text are left out (what stands between them stays), as are
 * pictures but for their description, and links that lead into the book's own folder: their targets are not in it.
 */
export function toXhtml(markdown: string): string {
  return renderer.parse(markdown, { async: false });
}

/** The text of the first heading of the first level, as plain text, or null. */
export function firstHeading(markdown: string): string | null {
  const [first] = renderer.lexer(markdown).filter(({ type }) => type !== 'space');
  if (first?.type !== 'heading' || (first as Tokens.Heading).depth !== 1) return null;
  return plainText((first as Tokens.Heading).text) || null;
}

/** A line of Markdown without its marks. */
function plainText(markdown: string): string {
  const html = renderer.parseInline(markdown, { async: false });
  return decode(html.replace(/<[^>]*>/g, '')).trim();
}

const renderer: Marked = new Marked({
  gfm: true,
  renderer: {
    text(token) {
      if ('tokens' in token) return this.parser.parseInline(token.tokens);
      return xml(decode(token.text));
    },
    code: ({ text }) => `<pre><code>${xml(text)}</code></pre>\n`,
    codespan: ({ text }) => `<code>${xml(text)}</code>`,
    br: () => '<br/>',
    hr: () => '<hr/>\n',
    html: ({ text, block }) => {
      if (/^<br\s*\/?>$/i.test(text.trim())) return '<br/>';
      const bare = xml(decode(withoutTags(text)));
      return block && bare.trim() !== '' ? `<p>${bare.trim()}</p>\n` : bare;
    },
    image: ({ text }) => xml(decode(text)),
    link({ href, tokens }) {
      const inner = this.parser.parseInline(tokens);
      const target = /^(https?:|mailto:)/i.test(href) && URL.canParse(href) ? new URL(href).href : null;
      return target === null ? inner : `<a href="${xml(target)}">${inner}</a>`;
    },
    checkbox: ({ checked }) => (checked ? '☑ ' : '☐ '),
    tablecell({ tokens, header, align }) {
      const tag = header ? 'th' : 'td';
      const style = align === null ? '' : ` style="text-align: ${align}"`;
      return `<${tag}${style}>${this.parser.parseInline(tokens)}</${tag}>\n`;
    },
  },
});

function withoutTags(html: string): string {
  return html
    .replace(/<!--[\s\S]*?-->/g, '')
    .replace(/<(script|style)[\s\S]*?<\/\1\s*>/gi, '')
    .replace(/<\/?(p|div|li|tr|h[1-6])\b[^>]*>/gi, ' ')
    .replace(/<\/?[a-z!?][^>]*>/gi, '');
}

/** Named characters of HTML that texts use; XML itself knows five of them. */
const named: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\u00a0',
  shy: '\u00ad',
  ensp: '\u2002',
  emsp: '\u2003',
  thinsp: '\u2009',
  ndash: '–',
  mdash: '—',
  hellip: '…',
  lsquo: '‘',
  rsquo: '’',
  sbquo: '‚',
  ldquo: '“',
  rdquo: '”',
  bdquo: '„',
  laquo: '«',
  raquo: '»',
  bull: '•',
  middot: '·',
  times: '×',
  deg: '°',
  sect: '§',
  copy: '©',
  reg: '®',
  trade: '™',
  euro: '€',
};

function decode(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|(\w+));/gi, (whole, decimal, hex, name) => {
    if (name !== undefined) return named[String(name)] ?? whole;
    const code = decimal === undefined ? Number.parseInt(String(hex), 16) : Number(decimal);
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
