interface XmlElement {
  name: string;
  attributes: Record<string, string>;
  /** All text inside, entities resolved. */
  text: string;
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };

/**
 * The elements of an XML document, in order of their starts. Throws where it is not well-formed: unclosed or
 * crossed tags, attributes without quotes or twice, entities that XML does not know, characters it forbids.
 */
export function parseXml(document: string): XmlElement[] {
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/.test(document)) throw new Error('a character XML forbids');
  const found: XmlElement[] = [];
  const open: XmlElement[] = [];
  let rest = document.replace(/^<\?xml [^?]*\?>\s*/, '').replace(/^<!DOCTYPE html>\s*/, '');
  while (rest !== '') {
    const tag = /^<(\/?)([A-Za-z][\w:.-]*)((?:\s+[\w:.-]+="[^"<]*")*)\s*(\/?)>/.exec(rest);
    if (tag !== null) {
      const [whole, closing, name = '', given = '', empty] = tag;
      rest = rest.slice(whole.length);
      if (closing === '/') {
        if (open.pop()?.name !== name) throw new Error(`</${name}> closes nothing`);
        continue;
      }
      const element: XmlElement = { name, attributes: attributesOf(given), text: '' };
      if (open.length === 0 && found.length > 0) throw new Error('more than one root');
      found.push(element);
      if (empty !== '/') open.push(element);
      continue;
    }
    const text = /^[^<]+/.exec(rest)?.[0];
    if (text === undefined) throw new Error(`no tag: ${rest.slice(0, 60)}`);
    if (open.length === 0 && text.trim() !== '') throw new Error(`text outside the root: ${text}`);
    for (const element of open) element.text += resolve(text);
    rest = rest.slice(text.length);
  }
  if (open.length > 0) throw new Error(`<${open.at(-1)?.name ?? ''}> is not closed`);
  return found;
}

function attributesOf(text: string): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const [, name = '', value = ''] of text.matchAll(/([\w:.-]+)="([^"]*)"/g)) {
    if (name in attributes) throw new Error(`${name} stands twice`);
    attributes[name] = resolve(value);
  }
  return attributes;
}

function resolve(text: string): string {
  return text.replace(/&([^;\s]*);?/g, (whole, name: string) => {
    const value = whole.endsWith(';') ? entities[name] : undefined;
    if (value === undefined) throw new Error(`unknown entity ${whole}`);
    return value;
  });
}
