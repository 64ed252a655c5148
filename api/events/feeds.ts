import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { Sluice } from '../../client/sluice.ts';
import { Standings } from '../batches/standings.ts';
import { BatchFeed, resultEvent, type Listener } from './batch-feed.ts';
import { eventText } from './event-text.ts';

/** Keeps proxies and browsers from taking a silent stream for a dead one, milliseconds. */
const heartbeatMs = 15_000;
/** What a listener may leave unread before it is let go, bytes; it comes back with Last-Event-ID. */
const mostUnread = 4 * 1024 * 1024;

/** The feeds of all batches that somebody listens to: one each. */
@Injectable()
export class Feeds implements OnModuleDestroy {
  readonly #feeds = new Map<string, BatchFeed>();
  readonly #open = new Set<() => void>();
  readonly #heartbeat = setInterval(() => {
    for (const beat of this.#beats) beat();
  }, heartbeatMs);
  readonly #beats = new Set<() => void>();
  readonly #standings: Standings;

  constructor(@Inject(Standings) standings: Standings) {
    this.#standings = standings;
  }

  /** How many listen now. */
  get listeners(): number {
    return this.#open.size;
  }

  /** Answers with events until the batch has closed or the listener has left. */
  async stream(
    sluice: Sluice,
    { batchId, running, from }: { batchId: string; running: boolean; from: number | null },
    reply: FastifyReply,
  ): Promise<void> {
    const stream = this.#begin(reply);
    if (!running) {
      if (from !== null) for await (const row of sluice.storedRows(batchId, from)) stream.send(resultEvent(row));
      stream.send(eventText({ event: 'end', data: { batch_id: batchId } }));
      stream.end();
      return;
    }
    try {
      const leave = await this.#feedOf(sluice, batchId).listen(stream, from);
      if (reply.raw.closed) leave();
      else reply.raw.once('close', leave);
    } catch {
      // It comes back by itself, and is answered properly then.
      stream.end();
    }
  }

  onModuleDestroy(): void {
    clearInterval(this.#heartbeat);
    for (const end of this.#open) end();
  }

  #feedOf(sluice: Sluice, batchId: string): BatchFeed {
    const present = this.#feeds.get(batchId);
    if (present !== undefined) return present;
    const feed: BatchFeed = new BatchFeed(sluice, batchId, () => {
      // Who is told of the end and asks how the batch stands is not to hear that it runs.
      this.#standings.forget(batchId);
      if (this.#feeds.get(batchId) === feed) this.#feeds.delete(batchId);
    });
    this.#feeds.set(batchId, feed);
    return feed;
  }

  #begin(reply: FastifyReply): Listener {
    reply.hijack();
    const { raw } = reply;
    const headers = Object.entries(reply.getHeaders()).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const],
    );
    raw.writeHead(200, {
      ...Object.fromEntries(headers),
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    raw.write('retry: 2000\n\n');
    const end = (): void => void raw.end();
    const beat = (): void => void raw.write(': still here\n\n');
    this.#open.add(end);
    this.#beats.add(beat);
    raw.once('close', () => {
      this.#open.delete(end);
      this.#beats.delete(beat);
    });
    return {
      send(text) {
        if (raw.writableLength > mostUnread) raw.destroy();
        else raw.write(text);
      },
      end,
    };
  }
}
