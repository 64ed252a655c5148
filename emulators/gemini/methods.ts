import { createHash } from 'node:crypto';
import type { Reply } from '../shared/http.ts';
import { answer, failure } from './behaviour.ts';
import type { FaultName } from './faults.ts';
import { parseGenerateRequest } from './generate-request.ts';
import type { EmulatorOptions } from './options.ts';
import { endOf, idOf } from './video-operation.ts';
import { parseVideoRequest } from './video-request.ts';

/** What a call is answered by. */
interface Answering {
  model: string;
  call: number;
  /** Arrival, milliseconds since the epoch. */
  at: number;
  fault: FaultName | null;
  retryDelayMs: number;
}

/** A call as its method understands it. */
interface ParsedCall {
  prompt: string;
  seed: number | null;
  answer: (how: Answering) => Reply;
}

/** A method of the API that calls a model. */
interface Method {
  knows: (model: string) => boolean;
  /** The sentence of the 400 for a body that it does not take. */
  parse: (body: string, model: string) => ParsedCall | { invalid: string };
}

/** Methods by the word after the colon of their paths. */
export function createMethods(settings: EmulatorOptions): Record<string, Method> {
  const { models, textModels, videoModels, words, videoMs } = settings;
  const isText = (model: string): boolean =>
    textModels === null ? ![...models, ...videoModels].includes(model) : textModels.includes(model);
  return {
    generateContent: {
      knows: (model) => models.includes(model) || isText(model),
      parse(body, model) {
        const request = parseGenerateRequest(body);
        if ('invalid' in request) return request;
        const { prompt, seed } = request;
        const kind = models.includes(model) ? 'image' : 'text';
        return { prompt, seed, answer: (how) => answer({ ...how, request, kind, words }) };
      },
    },
    predictLongRunning: {
      knows: (model) => videoModels.includes(model),
      parse(body) {
        const request = parseVideoRequest(body);
        if ('invalid' in request) return request;
        return {
          ...request,
          answer(how) {
            const failed = failure(how);
            if (failed !== null) return failed;
            const { model, call, fault, at } = how;
            // Of long prompts only what a caption holds, told apart by their digests.
            const digest = createHash('sha256').update(request.prompt).digest('base64url').slice(0, 8);
            const prompt = request.prompt.length <= 120 ? request.prompt : `${request.prompt.slice(0, 110)} ${digest}`;
            const { seed, seconds, portrait } = request;
            const doneAt = Math.round(at + videoMs);
            const id = idOf({ prompt, seed, seconds, portrait, doneAt, end: endOf(fault), call });
            const text = JSON.stringify({ name: `models/${model}/operations/${id}` });
            return { status: 200, text: fault === 'malformed_json' ? text.slice(0, -4) : text, cut: fault === 'cut' };
          },
        };
      },
    },
  };
}
