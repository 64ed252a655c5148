import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { CallFaultPicker } from '../shared/call-faults.ts';
import { CallGate } from '../shared/call-gate.ts';
import type { CallEnd, CallLog, CallStart } from '../shared/call-log.ts';
import type { CallStats } from '../shared/call-stats.ts';
import { now } from '../shared/clock.ts';
import { send, type Reply } from '../shared/http.ts';
import { readBody } from '../shared/read-body.ts';
import { errorReply, isImmediate } from './behaviour.ts';
import { faultNames } from './faults.ts';
import { createMethods } from './methods.ts';
import type { EmulatorOptions } from './options.ts';
import { errors } from './replies.ts';
import { Turns } from './turns.ts';

/** The vendor's limit of a request with inline data. */
const maxBodyBytes = 20 * 1024 * 1024;

/** What is known of a call before its body is read. */
interface Incoming {
  /** Arrival, as `now` gives it. */
  at: number;
  version: string;
  model: string;
  method: string;
  key: string | string[] | null;
}

const usageSchema = z.object({ usageMetadata: z.object({ totalTokenCount: z.number() }) });

/**
 * Answers `models/{model}:{method}`: refusals of the gateway, then faults, then what the model makes; each call
 * is logged and counted. A client that goes away ends its call.
 */
export function createCallHandler(settings: EmulatorOptions, log: CallLog, stats: CallStats) {
  const faults = new CallFaultPicker(faultNames, settings.faults, settings.seed);
  const gate = new CallGate(settings);
  const methods = createMethods(settings);
  const turns = new Turns();

  /** The error a call deserves before its body is read: key, model, rate. In this order, as the real gateway. */
  function refuse(incoming: Incoming): { reply: Reply; fault: CallEnd['fault'] } | undefined {
    const { at, version, model, method, key } = incoming;
    if (settings.apiKey !== undefined && key !== settings.apiKey) {
      return { reply: errorReply(key ? errors.invalidKey() : errors.missingKey()), fault: null };
    }
    if (methods[method]?.knows(model) !== true) {
      return { reply: errorReply(errors.unknownModel(model, version, method)), fault: null };
    }
    const waitMs = gate.waitMs(model, at);
    if (waitMs > 0) return { reply: errorReply(errors.quota('Minute', model, settings.rpm, waitMs)), fault: 'rpm' };
    const tokenWaitMs = gate.tokenWaitMs(model, at);
    if (tokenWaitMs <= 0) return undefined;
    return { reply: errorReply(errors.quota('Minute', model, settings.tpm, tokenWaitMs)), fault: 'tpm' };
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
          : (methods[incoming.method]?.parse(body, model) ?? { invalid: 'Unknown method.' });
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
          parsed.answer({ model, call: start.call, at, fault: picked.fault, retryDelayMs }),
        );
        if (settings.tpm !== null) gate.used(model, at, tokensIn(reply));
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

/** What a reply says it used; 0 where it does not say. */
function tokensIn({ text }: Reply): number {
  try {
    return usageSchema.safeParse(JSON.parse(String(text))).data?.usageMetadata.totalTokenCount ?? 0;
  } catch {
    return 0;
  }
}
