import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { SluiceError } from '../../domain/errors.ts';

const callStart = {
  /** Unique in a log file, also over restarts of the emulator. */
  call: z.int(),
  /** Arrival, milliseconds since the epoch. */
  at: z.number(),
  model: z.string(),
  /** Null where the body could not be read. */
  prompt: z.string().nullable(),
  seed: z.int().nullable(),
  /** SHA-256 (hex) of the body; empty where it could not be read. */
  request_hash: z.string(),
};

const callEnd = {
  ...callStart,
  ended_at: z.number(),
  /** Null when nothing was sent. */
  status: z.int().nullable(),
  /** One of the emulator's faults, or `rpm`, `tpm`: a limit of rate. */
  fault: z.string().nullable(),
  /** The client went away before it had the reply. */
  aborted: z.boolean(),
};

const callRowSchema = z.discriminatedUnion('event', [
  z.object({ event: z.literal('start'), ...callStart }),
  z.object({ event: z.literal('end'), ...callEnd }),
]);
type CallRow = z.output<typeof callRowSchema>;

/** What a call is known by from its arrival. */
export type CallStart = Omit<Extract<CallRow, { event: 'start' }>, 'event'>;
/** How a call ended. */
export type CallEnd = Omit<Extract<CallRow, { event: 'end' }>, 'event'>;

/**
 * JSON lines, one at a call's arrival and one at its end, each handed to the operating system before the
 * call goes on: what is logged survives `kill -9` of either side, and a start without an end is a call
 * that was in flight. Keys are never in a row.
 */
export class CallLog {
  #lastCall = 0;
  readonly #fd: number | undefined;

  /** @throws SluiceError USAGE when the file cannot be written. */
  constructor(path: string | undefined) {
    if (path === undefined) return;
    try {
      mkdirSync(dirname(path), { recursive: true });
      const before = existsSync(path) ? readFileSync(path, 'utf8') : '';
      this.#lastCall = parseRows(before).reduce((last, row) => Math.max(last, row.call), 0);
      this.#fd = openSync(path, 'a');
      if (before !== '' && !before.endsWith('\n')) writeSync(this.#fd, '\n');
    } catch (error) {
      throw new SluiceError('USAGE', `The call log cannot be written: ${path}`, { cause: error });
    }
  }

  nextCall(): number {
    return ++this.#lastCall;
  }

  start(call: CallStart): void {
    this.#write({ event: 'start', ...call });
  }

  end(call: CallEnd): void {
    this.#write({ event: 'end', ...call });
  }

  /** A server whose calls this log is of: closed with it, and at once if it does not start. */
  async until<Server extends { close(): Promise<void> }>(starting: Promise<Server>): Promise<Server> {
    try {
      const server = await starting;
      return {
        ...server,
        close: async () => {
          await server.close();
          this.close();
        },
      };
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
  }

  #write(row: CallRow): void {
    if (this.#fd !== undefined) writeSync(this.#fd, `${JSON.stringify(row)}\n`);
  }
}

/** The calls of a log in order of arrival; one without `ended_at` was in flight when its emulator died. */
export function readCallLog(path: string): (CallStart & Partial<CallEnd>)[] {
  const calls = new Map<number, CallStart & Partial<CallEnd>>();
  for (const { event: _, ...row } of parseRows(readFileSync(path, 'utf8'))) {
    calls.set(row.call, { ...calls.get(row.call), ...row });
  }
  return [...calls.values()].sort((a, b) => a.at - b.at);
}

function parseRows(text: string): CallRow[] {
  return text.split('\n').flatMap((line) => {
    // A machine that lost power can leave half a line.
    if (!line.endsWith('}')) return [];
    return [callRowSchema.parse(JSON.parse(line))];
  });
}
