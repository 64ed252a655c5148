import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StagedItem } from '../../domain/item.ts';

/** Shares the items are dealt into; each is put in order by itself, so that one of them is all that memory holds. */
const shares = 64;
/** Lines of one share that wait in memory before they are written. */
const maxWaiting = 500;

/**
 * Items in an order of chance, the same for the same seed and input. They are dealt into shares, in files of the
 * system's temporary directory once there are many, and then each share is shuffled: every order is as likely as
 * any other, and memory holds a 64th of the items, or 32,000 of them.
 */
export class Shuffle {
  readonly #random: () => number;
  readonly #waiting: string[][] = Array.from({ length: shares }, () => []);
  #directory: string | null = null;

  constructor(seed: number) {
    this.#random = randomNumbers(seed);
  }

  async add(item: StagedItem): Promise<void> {
    const share = Math.floor(this.#random() * shares);
    const waiting = this.#waiting[share] ?? [];
    waiting.push(JSON.stringify(item));
    if (waiting.length < maxWaiting) return;
    this.#directory ??= await mkdtemp(join(tmpdir(), 'sluice-shuffle-'));
    await appendFile(join(this.#directory, String(share)), `${waiting.splice(0).join('\n')}\n`);
  }

  async *items(): AsyncGenerator<StagedItem> {
    for (const [share, waiting] of this.#waiting.entries()) {
      const lines = [...(await this.#written(share)), ...waiting];
      for (let last = lines.length - 1; last >= 0; last--) {
        const taken = Math.floor(this.#random() * (last + 1));
        const line = lines[taken] ?? '';
        lines[taken] = lines[last] ?? '';
        yield JSON.parse(line) as StagedItem;
      }
    }
  }

  async close(): Promise<void> {
    if (this.#directory !== null) await rm(this.#directory, { recursive: true, force: true });
  }

  async #written(share: number): Promise<string[]> {
    if (this.#directory === null) return [];
    const text = await readFile(join(this.#directory, String(share)), 'utf8').catch((error: unknown) => {
      // A share that never had many has no file.
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
      throw error;
    });
    return text.split('\n').filter((line) => line !== '');
  }
}

/**
 * Numbers from 0 up to 1, the same for the same seed.
 * @see https://gist.github.com/tommyettinger/46a874533244883189143505d203312c (mulberry32)
 */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
