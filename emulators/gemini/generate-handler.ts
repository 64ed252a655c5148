import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { answer, errorReply, isImmediate } from './behaviour.ts';
import type { CallEnd, CallLog, CallStart } from './call-log.ts';
import { now } from '../shared/clock.ts';
import { CallFaultPicker } from '../shared/call-faults.ts';
import { faultNames } from './faults.ts';
import { parseGenerateRequest } from './generate-request.ts';
import { maxBodyBytes, send, type Reply } from './http.ts';
import { readBody } from '../shared/read-body.ts';
import type { EmulatorOptions } from './options.ts';
import { RateWindow } from '../shared/rate-window.ts';
import { errors } from './replies.ts';
import type { CallStats } from './stats.ts';
import { Turns } from './turns.ts';

/** What is known of a call before its body is read. */
interface Incoming {
  /** Arrival, as `now` gives it. */
  at: number;
  version: string;
  model: string;
  key: string | string[] | null;
}

/**
 * Answers `models/{model}:generateContent`: refusals of the gateway, then faults, then pictures; each call
 * is logged and counted. A client that goes away ends its call.
 */
export function createGenerateHandler(settings: EmulatorOptions, log: CallLog, stats: CallStats) {
  const faults = new CallFaultPicker(faultNames, settings.faults, settings.seed);
  const windows = new Map<string, RateWindow>();
  const turns = new Turns();

  /** The error a call deserves before its body is read: key, model, rate. In this order, as the real gateway. */
  function refuse({ at, version, model, key }: Incoming): { reply: Reply; fault: CallEnd['fault'] } | undefined {
    if (settings.apiKey !== undefined && key !== settings.apiKey) {
      return { reply: errorReply(key ? errors.invalidKey() : errors.missingKey()), fault: null };
    }
    if (!settings.models.includes(model))
      return { reply: errorReply(errors.unknownModel(model, version)), fault: null };
    if (settings.rpm === null) return undefined;
    const window = windows.get(model) ?? new RateWindow(60_000);
    windows.set(model, window);
    const waitMs = window.waitMs(at, settings.rpm);
    if (waitMs > 0) return { reply: errorReply(errors.quota('Minute', model, settings.rpm, waitMs)), fault: 'rpm' };
    window.add(at);
    return undefined;
  }

  return async (request: IncomingMessage, response: ServerResponse, incoming: Incoming): Promise<void> => {
    const { at, model } = incoming;
    stats.arrived(model, at);
    const refusal = refuse(incoming);
    const gone = new AbortController();
    response.once('close', () => gone.abort());

    const start: CallStart = { call: log.nextCall(), at, model, prompt: null, seed: null, request_hash: '' };
    let started = false;
    let fault: CallEnd['fault'] = refusal?.fault ?? null;
    let status: number | null = null;
    try {
      const body = (await readBody(request, maxBodyBytes))?.toString('utf8') ?? null;
      const parsed =
        body === null
          ? { invalid: 'Request payload size exceeds the limit: 20971520 bytes.' }
          : parseGenerateRequest(body);
      start.request_hash = createHash('sha256')
        .update(body ?? '')
        .digest('hex');
      if (!('invalid' in parsed)) Object.assign(start, { prompt: parsed.prompt, seed: parsed.seed });
      started = true;
      log.start(start);

      let reply: Reply;
      if (refusal !== undefined) {
        reply = refusal.reply;
      } else if ('invalid' in parsed) {
        reply = errorReply(errors.invalidArgument(parsed.invalid));
      } else {
        const picked = faults.pick({ model, prompt: parsed.prompt, seed: parsed.seed });
        fault = picked.fault;
        const { retry_delay_ms: retryDelayMs, slow_ms: slowMs } = settings.faults;
        if (fault === 'hang' && !gone.signal.aborted) await once(gone.signal, 'abort');
        gone.signal.throwIfAborted();
        reply = await turns.run(() =>
          answer({ model, call: start.call, request: parsed, fault: picked.fault, retryDelayMs }),
        );
        const latencyMs = settings.latencyMs * (1 + settings.latencyJitter * (2 * picked.jitter - 1));
        const dueAt = at + latencyMs + (fault === 'slow' ? slowMs : 0);
        if (!isImmediate(picked.fault)) await sleep(Math.max(0, dueAt - now()), undefined, { signal: gone.signal });
      }
      status = reply.status;
      await send(response, reply);
      finish(false);
    } catch (error) {
      if (!gone.signal.aborted && request.complete) throw error;
      finish(true);
    }

    function finish(aborted: boolean): void {
      if (!started) log.start(start);
      log.end({ ...start, ended_at: now(), status: aborted ? null : status, fault, aborted });
      stats.ended({ status, fault, aborted });
    }
  };
}
