import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import { SluiceError } from '../../domain/errors.ts';
import { homeToken } from '../tokens.ts';

/** How long a key is remembered. */
const keptMs = 30 * 86_400_000;

const recordSchema = z.object({ fingerprint: z.string(), reply: z.record(z.string(), z.json()) });
export type KeptReply = z.output<typeof recordSchema>['reply'];

export interface OnceInput {
  /** The header `Idempotency-Key`. */
  key: string;
  /** Keys of different callers are different keys. */
  scope: string;
  /** What tells this request from another one with the same key; reads the body, if nothing has read it yet. */
  fingerprint: () => Promise<string>;
  /**
   * Does what is asked for.
   * @param id made of the key: who does it again after a crash finds what was begun
   */
  run: (id: string) => Promise<KeptReply>;
}

/**
 * Does what is asked for once per key, however often it is sent, and also over a crash: a reply is kept on disk
 * once there is one, and until then the batch itself, whose id is made of the key, says what was begun.
 */
@Injectable()
export class Idempotency {
  readonly #directory: string;
  readonly #underWay = new Map<string, Promise<unknown>>();

  constructor(@Inject(homeToken) home: string) {
    this.#directory = join(home, 'idempotency');
  }

  /** @throws SluiceError IDEMPOTENCY_MISMATCH when the key was used with another request */
  async once({ key, scope, fingerprint, run }: OnceInput): Promise<{ reply: KeptReply; again: boolean }> {
    const id = createHash('sha256').update(`${scope}\0${key}`).digest('hex').slice(0, 32);
    // Of two at once the second waits, and then finds what the first did.
    const before = this.#underWay.get(id) ?? Promise.resolve();
    const work = before.catch(() => undefined).then(() => this.#do(id, fingerprint, run));
    this.#underWay.set(id, work);
    try {
      return await work;
    } finally {
      if (this.#underWay.get(id) === work) this.#underWay.delete(id);
    }
  }

  async #do(id: string, fingerprint: OnceInput['fingerprint'], run: OnceInput['run']) {
    const file = join(this.#directory, `${id}.json`);
    const kept = readRecord(file);
    if (kept === null) {
      const reply = await run(id);
      this.#keep(file, { fingerprint: await fingerprint(), reply });
      return { reply, again: false };
    }
    if (kept.fingerprint !== (await fingerprint())) {
      throw new SluiceError('IDEMPOTENCY_MISMATCH', 'This Idempotency-Key was used with another request.');
    }
    return { reply: kept.reply, again: true };
  }

  #keep(file: string, record: z.output<typeof recordSchema>): void {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(this.#directory)) {
      const old = join(this.#directory, name);
      if (Date.now() - (statSync(old, { throwIfNoEntry: false })?.mtimeMs ?? Infinity) > keptMs) rmSync(old);
    }
    const temporary = `${file}.tmp`;
    writeFileSync(temporary, JSON.stringify(record), { mode: 0o600, flush: true });
    renameSync(temporary, file);
  }
}

function readRecord(file: string): z.output<typeof recordSchema> | null {
  try {
    return recordSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    // None, or damaged: the batch itself says what was begun.
    return null;
  }
}
