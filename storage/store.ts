/**
 * Object storage as Sluice needs it. Keys are relative, `/`-separated, and never leave the store.
 * Contract (the same tests run on every implementation): a `put` is all or nothing and durable when it
 * returns; a reader never sees half an object; a missing key reads as null.
 *
 * Errors are SluiceError with STORAGE_FULL, STORAGE_DENIED or STORAGE_ERROR; the message names the key.
 */
export interface Store {
  /** e.g. `file:///data/out` */
  readonly uri: string;
  put(key: string, bytes: Uint8Array | string): Promise<void>;
  /** Streams an object of any size; the object appears when the source ends, or not at all. */
  putStream(key: string, chunks: AsyncIterable<Uint8Array | string>): Promise<void>;
  get(key: string): Promise<Buffer | null>;
  /** Bytes `[offset, offset + length)`, fewer at the end of the object; null if there is no such key. */
  getRange(key: string, offset: number, length: number): Promise<Buffer | null>;
  /** Streams an object; null if there is no such key. */
  getStream(key: string): Promise<AsyncIterable<Buffer> | null>;
  stat(key: string): Promise<{ size: number; modifiedAt: Date } | null>;
  /** Keys under a prefix that ends in `/`, sorted. Temporary files of unfinished puts are not listed. */
  list(prefix: string): AsyncIterable<{ key: string; size: number; modifiedAt: Date }>;
  /** Bytes that can still be written, or null where the store cannot tell. */
  freeBytes(): Promise<number | null>;
  delete(key: string): Promise<void>;
}
