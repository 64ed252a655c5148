import { isSame } from '../http/etag.ts';
import { contentType } from './content-type.ts';
import { fileHeaders, findObject, type SendObjectInput } from './send-object.ts';
import type { Thumbnails } from './thumbnails.ts';

/**
 * Answers with a small picture of a file, or that a copy is still good. False where the file itself is to be sent.
 * @throws SluiceError FILE_NOT_FOUND
 */
export async function sendThumbnail(thumbnails: Thumbnails, input: SendObjectInput, width: number): Promise<boolean> {
  const { store, key, request, reply } = input;
  if (!contentType(key).startsWith('image/')) return false;
  const found = await findObject(store, key);
  const etag = found.etag.replace(/"$/, `-w${String(width)}"`);
  // Who has this tag was sent a small one: it need not be made to know that it is the same.
  const isKnown = isSame(request.headers['if-none-match'], etag);
  const made = isKnown ? null : await thumbnails.of({ storeUri: store.uri, key, etag, size: found.size }, width);
  if (!isKnown && made === null) return false;
  void reply.headers({
    ...fileHeaders(input, { ...found, etag, type: 'image/webp' }),
    'content-disposition': 'inline',
  });
  await (isKnown ? reply.status(304).send() : reply.send(made));
  return true;
}
