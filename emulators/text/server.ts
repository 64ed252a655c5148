import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { SluiceError } from '../../domain/errors.ts';
import { checkOptions } from '../shared/check-options.ts';
import { CallFaultPicker } from '../shared/call-faults.ts';
import { now } from '../shared/clock.ts';
import { randomStream } from '../shared/random.ts';
import { RateWindow } from '../shared/rate-window.ts';
import { readBody } from '../shared/read-body.ts';
import { send, type Reply } from '../gemini/http.ts';
import { textFaultNames, textFaultsSchema, type TextFault } from './faults.ts';
import { example, prose } from './prose.ts';
import { anthropicWire } from './wire-anthropic.ts';
import { openAiWire } from './wire-openai.ts';
import { tokensOf, type TextAnswer, type TextCall, type Wire } from './wire.ts';

const optionsSchema = z.strictObject({
  /** 0: any free one. */
  port: z.int().min(0).max(65_535).default(0),
  /** From a call's arrival to its reply, milliseconds. */
  latencyMs: z.number().min(0).default(100),
  /** Of faults. */
  seed: z.int().default(0),
  faults: textFaultsSchema.prefault({}),
  /** Requests of one model let through in any rolling minute; null: no limit. */
  rpm: z.int().min(1).nullable().default(null),
  /** Words of an answer, unless its greatest length is less. */
  words: z.int().min(1).default(120),
  /** The one key that is valid; omitted: any is. */
  apiKey: z.string().min(1).optional(),
});
export type TextEmulatorOptions = z.input<typeof optionsSchema>;
type Settings = z.output<typeof optionsSchema>;

export interface TextEmulator {
  /** Base address without a version; both vendors' paths are under it. */
  url: string;
  /** What was asked, in order of arrival. */
  calls: readonly { model: string; prompt: string; status: number | null; fault: TextFault | 'rpm' | null }[];
  /** Breaks what is in flight and frees the port. */
  close(): Promise<void>;
}

const wires: readonly Wire[] = [openAiWire, anthropicWire];
const maxBodyBytes = 32 * 1024 * 1024;

/**
 * An emulator of OpenAI's chat completions and Anthropic's messages over real HTTP on the loopback interface:
 * shapes and errors of the real APIs, prose that repeats with what was asked, faults that repeat with the seed.
 *
 * @throws SluiceError USAGE when an option is wrong or the port is taken.
 */
export async function startTextEmulator(options: TextEmulatorOptions = {}): Promise<TextEmulator> {
  const settings = checkOptions(optionsSchema, options);
  const model = new Model(settings);
  const server = createServer((request, response) => {
    void serve(model, settings, request, response).catch(() => response.destroy());
  });
  server.keepAliveTimeout = 120_000;
  server.requestTimeout = 0;
  try {
    server.listen(settings.port, '127.0.0.1');
    await once(server, 'listening');
  } catch (error) {
    throw new SluiceError('USAGE', `The emulator cannot listen on port ${String(settings.port)}.`, { cause: error });
  }
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : settings.port;
  return {
    url: `http://127.0.0.1:${String(port)}`,
    calls: model.calls,
    async close() {
      const closed = new Promise<void>((done) => server.close(() => done()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function serve(model: Model, settings: Settings, request: IncomingMessage, response: ServerResponse) {
  const at = now();
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const { pathname } = new URL(request.url ?? '/', 'http://emulator');
  const wire = wires.find(({ path }) => path === pathname);
  const body = (await readBody(request, maxBodyBytes))?.toString('utf8') ?? '';
  if (wire === undefined || request.method !== 'POST') {
    await send(response, { status: 404, text: '{"error":{"message":"no such route"}}' });
    return;
  }
  const key = wire.keyOf(request.headers);
  const wrongKey = key === null || (settings.apiKey !== undefined && key !== settings.apiKey);
  const call = wire.parse(body);
  const {
    reply,
    headers = {},
    latencyMs,
  } = wrongKey
    ? refusal(wire.error('bad_key', 'Incorrect API key provided.'))
    : 'invalid' in call
      ? refusal(wire.error('bad_request', call.invalid))
      : model.answer(wire, call, at);
  if (latencyMs === Infinity) await once(gone.signal, 'abort');
  else await sleep(Math.max(0, at + latencyMs - now()), undefined, { signal: gone.signal });
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  await send(response, reply);
}

interface Timed {
  reply: Reply;
  headers?: Record<string, string>;
  /** Infinity: never. */
  latencyMs: number;
}

function refusal({ headers, ...reply }: ReturnType<Wire['error']>): Timed {
  return { reply, headers: headers ?? {}, latencyMs: 0 };
}

/** What lies behind the wires: rates, faults, answers. */
class Model {
  readonly calls: { model: string; prompt: string; status: number | null; fault: TextFault | 'rpm' | null }[] = [];
  readonly #settings: Settings;
  readonly #faults: CallFaultPicker<TextFault>;
  readonly #windows = new Map<string, RateWindow>();

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#faults = new CallFaultPicker(textFaultNames, settings.faults, settings.seed);
  }

  answer(wire: Wire, call: TextCall, at: number): Timed {
    const { model, prompt } = call;
    const waitMs = this.#waitMs(model, at);
    const picked = waitMs > 0 ? null : this.#faults.pick(call).fault;
    const timed =
      waitMs > 0 ? refusal(wire.error('rate_limited', 'Rate limit reached.', waitMs)) : this.#reply(wire, call, picked);
    const fault = waitMs > 0 ? 'rpm' : picked;
    this.calls.push({ model, prompt, status: timed.latencyMs === Infinity ? null : timed.reply.status, fault });
    return timed;
  }

  #waitMs(model: string, at: number): number {
    if (this.#settings.rpm === null) return 0;
    const window = this.#windows.get(model) ?? new RateWindow(60_000);
    this.#windows.set(model, window);
    const waitMs = window.waitMs(at, this.#settings.rpm);
    if (waitMs <= 0) window.add(at);
    return waitMs;
  }

  #reply(wire: Wire, call: TextCall, fault: TextFault | null): Timed {
    const { latencyMs, faults } = this.#settings;
    switch (fault) {
      case 'rate_limited':
        return refusal(wire.error('rate_limited', 'Rate limit reached.', faults.retry_delay_ms));
      case 'rate_limited_no_header':
        return refusal(wire.error('rate_limited', 'Rate limit reached.'));
      case 'quota':
      case 'bad_key':
      case 'overloaded':
      case 'server_error':
        return refusal(wire.error(fault, `Emulated fault: ${fault}.`));
      default: {
        const text = JSON.stringify(wire.answer(call, this.#answer(call, fault)));
        const half = fault === 'malformed_json' ? text.slice(0, text.length >> 1) : text;
        const extra = fault === 'slow' ? faults.slow_ms : 0;
        const reply = { status: 200, text: half, ...(fault === 'cut' ? { cut: true } : {}) };
        return { reply, latencyMs: fault === 'hang' ? Infinity : latencyMs + extra };
      }
    }
  }

  #answer({ model, prompt, seed, maxTokens, schema }: TextCall, fault: TextFault | null): TextAnswer {
    const whole =
      schema === undefined
        ? prose(model, prompt, seed, this.#settings.words)
        : JSON.stringify(fault === 'wrong_shape' ? {} : example(schema, randomStream('example', model, prompt, seed)));
    const tooLong = maxTokens !== null && tokensOf(whole) > maxTokens;
    const end = fault === 'refused' ? 'refused' : fault === 'cut_off' || tooLong ? 'cut_off' : 'complete';
    const text = {
      refused: 'I cannot help with that.',
      cut_off: whole.slice(0, Math.min(whole.length >> 1, (maxTokens ?? Infinity) * 4)),
      complete: fault === 'empty' ? '' : whole,
    }[end];
    return { call: this.calls.length + 1, text, end, inputTokens: tokensOf(prompt), outputTokens: tokensOf(text) };
  }
}
