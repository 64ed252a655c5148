import sharp from 'sharp';
import { openStore } from '../../storage/open-store.ts';

/** Asked of the process. */
export interface WantedThumbnail {
  id: number;
  storeUri: string;
  key: string;
  /** Pixels. */
  width: number;
}

/** What it answers; null where the file itself is to be sent. */
export interface MadeThumbnail {
  id: number;
  picture: Uint8Array | null;
}

/** More would take more memory than a small picture is worth. */
const mostPixels = 50_000_000;
const timeLimitSeconds = 20;

// Each picture has one core, and nothing is kept. A file is read by no decoder but these, whatever it says it is.
sharp.cache(false);
sharp.concurrency(1);
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({ operation: ['VipsForeignLoadPng', 'VipsForeignLoadJpeg', 'VipsForeignLoadWebp'] });

/**
 * A process of its own that makes small pictures of large ones, by libvips: the memory that takes is given back when
 * it ends, and a file that makes a decoder crash ends nothing else.
 *
 * @see https://sharp.pixelplumbing.com
 */
process.on('message', ({ id, ...wanted }: WantedThumbnail) => {
  // What is damaged, of another kind, or too large a browser may still make something of.
  void make(wanted)
    .catch(() => null)
    .then((picture) => process.send?.({ id, picture } satisfies MadeThumbnail));
});
process.once('disconnect', () => process.exit());

async function make({ storeUri, key, width }: Omit<WantedThumbnail, 'id'>): Promise<Uint8Array | null> {
  const bytes = await openStore(storeUri).get(key);
  if (bytes === null) return null;
  const picture = sharp(bytes, { limitInputPixels: mostPixels });
  const { autoOrient } = await picture.metadata();
  if (autoOrient.width <= width) return null;
  return picture.autoOrient().resize({ width }).webp({ quality: 80 }).timeout({ seconds: timeLimitSeconds }).toBuffer();
}
