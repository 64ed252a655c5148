export interface Part {
  name: string;
  /** Undefined for a plain field. */
  filename: string | undefined;
  data: Buffer;
}

/**
 * Splits a `multipart/form-data` body; undefined when it is none.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7578
 */
export function parseMultipart(body: Buffer, contentType: string): Part[] | undefined {
  const [, quoted, bare] = /boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType) ?? [];
  const boundary = quoted ?? bare;
  if (!/^multipart\/form-data\b/i.test(contentType) || boundary === undefined) return undefined;
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  // The first delimiter has no line break before it.
  const whole = Buffer.concat([Buffer.from('\r\n'), body]);
  const parts: Part[] = [];
  for (let at = whole.indexOf(delimiter); at >= 0;) {
    const from = at + delimiter.byteLength + 2;
    const next = whole.indexOf(delimiter, from);
    if (next < 0) break;
    const headEnd = whole.indexOf('\r\n\r\n', from);
    if (headEnd < 0 || headEnd > next) return undefined;
    const disposition = whole.toString('utf8', from, headEnd);
    const name = /\bname="([^"]*)"/i.exec(disposition)?.[1];
    const filename = /\bfilename="([^"]*)"/i.exec(disposition)?.[1];
    if (name === undefined) return undefined;
    parts.push({ name, filename, data: whole.subarray(headEnd + 4, next) });
    at = next;
  }
  return parts;
}
