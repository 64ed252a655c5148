const magicNumbers: Record<string, (data: Buffer) => boolean> = {
  'image/png': (data) => data.subarray(0, 8).equals(Buffer.from('89504e470d0a1a0a', 'hex')),
  'image/jpeg': (data) => data.subarray(0, 3).equals(Buffer.from('ffd8ff', 'hex')),
  'image/webp': (data) => data.toString('latin1', 0, 4) === 'RIFF' && data.toString('latin1', 8, 12) === 'WEBP',
};

/** The bytes of an inline image; undefined when they are no base64 or do not begin as their type does. */
export function decodeImage(image: { mimeType: string; data: string }): Buffer | undefined {
  const data = Buffer.from(image.data, 'base64');
  // Node skips what is not base64 instead of failing, so damage shows in the length.
  const digits = image.data.replace(/={1,2}$/, '').length;
  if (digits % 4 === 1 || data.byteLength !== Math.floor((digits * 3) / 4)) return undefined;
  return magicNumbers[image.mimeType]?.(data) === true ? data : undefined;
}
