import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { CallFaultPicker } from '../shared/call-faults.ts';
import { CallGate } from '../shared/call-gate.ts';
import type { CallLog } from '../shared/call-log.ts';
import type { CallStats } from '../shared/call-stats.ts';
import { now } from '../shared/clock.ts';
import { send, type HttpService, type Reply } from '../shared/http.ts';
import { readBody } from '../shared/read-body.ts';
import { answerText, type TextAsked } from '../shared/text-answer.ts';
import { textFaultNames, type TextFault } from './faults.ts';
import type { TextSettings } from './options.ts';
import { anthropicWire } from './wire-anthropic.ts';
import { openAiWire } from './wire-openai.ts';
import type { Wire } from './wire.ts';

const wires: readonly Wire[] = [openAiWire, anthropicWire];
const maxBodyBytes = 32 * 1024 * 1024;

interface Timed {
  reply: Reply;
  /** Infinity: never. */
  latencyMs: number;
  fault: TextFault | 'rpm' | 'tpm' | null;
}

/** Routes of OpenAI's chat completions and Anthropic's messages. Each call of a model is logged and counted. */
export function createTextService(settings: TextSettings, log: CallLog, stats: CallStats): HttpService {
  const faults = new CallFaultPicker(textFaultNames, settings.faults, settings.seed);
  const gate = new CallGate(settings);

  function answer(wire: Wire, asked: TextAsked, { at, call }: { at: number; call: number }): Timed {
    const { model } = asked;
    const waitMs = gate.waitMs(model, at);
    const tokenWaitMs = waitMs > 0 ? 0 : gate.tokenWaitMs(model, at);
    if (waitMs > 0 || tokenWaitMs > 0) {
      const reply = wire.error('rate_limited', 'Rate limit reached.', Math.max(waitMs, tokenWaitMs));
      return { reply, latencyMs: 0, fault: waitMs > 0 ? 'rpm' : 'tpm' };
    }
    const { fault } = faults.pick(asked);
    const { latencyMs, faults: spec, words } = settings;
    switch (fault) {
      case 'rate_limited':
        return refusal(wire.error('rate_limited', 'Rate limit reached.', spec.retry_delay_ms), fault);
      case 'rate_limited_no_header':
        return refusal(wire.error('rate_limited', 'Rate limit reached.'), fault);
      case 'quota':
      case 'bad_key':
      case 'overloaded':
      case 'server_error':
        return refusal(wire.error(fault, `Emulated fault: ${fault}.`), fault);
      default: {
        const said = answerText(asked, fault, words);
        gate.used(model, at, said.inputTokens + said.outputTokens);
        const text = JSON.stringify(wire.answer(asked, said, call));
        const half = fault === 'malformed_json' ? text.slice(0, text.length >> 1) : text;
        const reply = { status: 200, text: half, ...(fault === 'cut' ? { cut: true } : {}) };
        return {
          reply,
          latencyMs: fault === 'hang' ? Infinity : latencyMs + (fault === 'slow' ? spec.slow_ms : 0),
          fault,
        };
      }
    }
  }

  async function serve(wire: Wire, request: IncomingMessage, response: ServerResponse, at: number): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const body = (await readBody(request, maxBodyBytes))?.toString('utf8') ?? '';
    const key = wire.keyOf(request.headers);
    if (key === null ? !settings.keyless : settings.apiKey !== undefined && key !== settings.apiKey) {
      await send(response, wire.error('bad_key', 'Incorrect API key provided.'));
      return;
    }
    const asked = wire.parse(body);
    if ('invalid' in asked) {
      await send(response, wire.error('bad_request', asked.invalid));
      return;
    }
    const { model, prompt, seed } = asked;
    const hash = createHash('sha256').update(body).digest('hex');
    const start = { call: log.nextCall(), at, model, prompt, seed, request_hash: hash };
    stats.arrived(model, at);
    log.start(start);
    const { reply, latencyMs, fault } = answer(wire, asked, { at, call: start.call });
    let aborted = false;
    try {
      if (latencyMs === Infinity) {
        if (!gone.signal.aborted) await once(gone.signal, 'abort');
        gone.signal.throwIfAborted();
      }
      await sleep(Math.max(0, at + latencyMs - now()), undefined, { signal: gone.signal });
      await send(response, reply);
    } catch (error) {
      if (!gone.signal.aborted) throw error;
      aborted = true;
    } finally {
      const status = aborted ? null : reply.status;
      log.end({ ...start, ended_at: now(), status, fault, aborted });
      stats.ended({ status, fault, aborted });
    }
  }

  return {
    serve(request, response, at) {
      const { pathname } = new URL(request.url ?? '/', 'http://emulator');
      const wire = wires.find(({ path }) => path === pathname);
      return wire === undefined || request.method !== 'POST' ? null : serve(wire, request, response, at);
    },
  };
}

function refusal(reply: Reply, fault: TextFault): Timed {
  return { reply, latencyMs: 0, fault };
}
