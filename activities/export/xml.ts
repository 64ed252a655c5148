/** Text as the content of an XML element or attribute; what no XML document may hold is left out. */
export function xml(text: string): string {
  return text
    .toWellFormed()
    .replace(illegal, '')
    .replace(/[&<>"']/g, (character) => entities[character] ?? character);
}

/** @see https://www.w3.org/TR/xml/#charsets */

const illegal = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
