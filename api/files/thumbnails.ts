import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { ThumbnailMaker } from './thumbnail-maker.ts';

/** Widths that are made, pixels; any other would let a caller have as many made as there are numbers. */
export const thumbnailWidths = ['200', '400', '800'] as const;

/** A file of a store, as it is now. */
interface Source {
  storeUri: string;
  key: string;
  /** Changes when the file does. */
  etag: string;
  /** Bytes. */
  size: number;
}

/** Made at once. */
const mostAtOnce = 2;
/** Those that were asked for last are kept, bytes. */
const mostKeptBytes = 16 * 1024 * 1024;
/** What an entry itself is counted as, so that those of files that are sent as they are come to an end, too. */
const entryBytes = 300;
/** Larger files are sent as they are. */
const mostFileBytes = 32 * 1024 * 1024;

/** Small pictures of large ones, for lists: each made once, two at a time, and the latest kept in memory. */
@Injectable()
export class Thumbnails implements OnModuleDestroy {
  readonly #maker = new ThumbnailMaker();
  /** The least lately asked for first; null for a file that is sent as it is. */
  readonly #kept = new Map<string, Buffer | null>();
  #keptBytes = 0;
  readonly #making = new Map<string, Promise<Buffer | null>>();
  readonly #waiting: (() => void)[] = [];
  #atWork = 0;

  /** A WebP of that width; null where the file itself is to be sent: it is no wider, too large, or no picture. */
  async of({ storeUri, key, etag, size }: Source, width: number): Promise<Buffer | null> {
    if (size > mostFileBytes) return null;
    const name = `${storeUri} ${key} ${etag} ${String(width)}`;
    const kept = this.#kept.get(name);
    if (kept !== undefined) {
      this.#keep(name, kept);
      return kept;
    }
    const present = this.#making.get(name);
    if (present !== undefined) return await present;
    const making = this.#inTurn(() => this.#maker.make({ storeUri, key, width }));
    this.#making.set(name, making);
    try {
      const made = await making;
      this.#keep(name, made);
      return made;
    } finally {
      this.#making.delete(name);
    }
  }

  onModuleDestroy(): void {
    this.#maker.close();
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    // Who leaves hands his place to the next.
    if (this.#atWork < mostAtOnce) this.#atWork += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#atWork -= 1;
      else next();
    }
  }

  #keep(name: string, made: Buffer | null): void {
    const bytesOf = (picture: Buffer | null): number => entryBytes + (picture?.length ?? 0);
    const before = this.#kept.get(name);
    if (before !== undefined) this.#keptBytes -= bytesOf(before);
    this.#kept.delete(name);
    this.#kept.set(name, made);
    this.#keptBytes += bytesOf(made);
    for (const [oldest, picture] of this.#kept) {
      if (this.#keptBytes <= mostKeptBytes) return;
      this.#kept.delete(oldest);
      this.#keptBytes -= bytesOf(picture);
    }
  }
}
