import { fork, type ChildProcess } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { MadeThumbnail, WantedThumbnail } from './thumbnail-process.ts';

/** Compiled or not, as this file is. */
const program = fileURLToPath(new URL(`thumbnail-process${extname(import.meta.url)}`, import.meta.url));
/** Without work for this long, the process ends; the next picture starts another one. Milliseconds. */
const idleMs = 30_000;
/** Deaths in a row, without an answer between them, after which no more are made: there is none for this machine. */
const mostDeaths = 3;

/** Makes thumbnails in another process, which is there while there is work. */
export class ThumbnailMaker {
  #child: ChildProcess | null = null;
  readonly #asked = new Map<number, (picture: Buffer | null) => void>();
  #lastId = 0;
  #deaths = 0;
  #idle: NodeJS.Timeout | undefined;

  /** Null where the file itself is to be sent: it is no wider, or cannot be decoded. */
  make(wanted: Omit<WantedThumbnail, 'id'>): Promise<Buffer | null> {
    if (this.#deaths >= mostDeaths) return Promise.resolve(null);
    clearTimeout(this.#idle);
    const id = ++this.#lastId;
    const { promise, resolve } = Promise.withResolvers<Buffer | null>();
    this.#asked.set(id, resolve);
    this.#child ??= this.#start();
    // One that has just died answers by its `exit`.
    this.#child.send({ id, ...wanted } satisfies WantedThumbnail, () => undefined);
    return promise;
  }

  close(): void {
    clearTimeout(this.#idle);
    this.#child?.kill();
  }

  #start(): ChildProcess {
    const child = fork(program, [], {
      serialization: 'advanced',
      // One heap for all threads: what pictures took is not spread over several that each keep some.
      env: { ...process.env, MALLOC_ARENA_MAX: '1' },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    child.on('message', ({ id, picture }: MadeThumbnail) => {
      this.#deaths = 0;
      this.#answer(id, picture === null ? null : Buffer.from(picture));
      if (this.#asked.size === 0) this.#idle = setTimeout(() => child.kill(), idleMs).unref();
    });
    // Emitted instead of `exit` where it could not be started.
    child.once('error', () => this.#died(child));
    child.once('exit', () => this.#died(child));
    return child;
  }

  #died(child: ChildProcess): void {
    if (this.#child !== child) return;
    this.#child = null;
    if (this.#asked.size > 0) this.#deaths += 1;
    for (const id of [...this.#asked.keys()]) this.#answer(id, null);
  }

  #answer(id: number, picture: Buffer | null): void {
    this.#asked.get(id)?.(picture);
    this.#asked.delete(id);
  }
}
