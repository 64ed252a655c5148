import type { IncomingMessage } from 'node:http';
import type { CallLog } from '../shared/call-log.ts';
import type { CallStats } from '../shared/call-stats.ts';
import { send, type HttpService, type Reply } from '../shared/http.ts';
import { errorReply } from './behaviour.ts';
import { createCallHandler } from './call-handler.ts';
import type { EmulatorOptions } from './options.ts';
import { errors } from './replies.ts';
import { downloadReply, operationReply } from './video-routes.ts';

/**
 * Gemini's routes. Besides the API: `GET /__emulator/health`, and `GET /__emulator/calls` with counts since the
 * start.
 */
export function createGeminiService(settings: EmulatorOptions, log: CallLog, stats: CallStats): HttpService {
  const call = createCallHandler(settings, log, stats);
  return {
    serve(request, response, at) {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://emulator');
      const key = request.headers['x-goog-api-key'] ?? searchParams.get('key');
      const [, version, model, method] = /^\/(v1(?:beta|alpha)?)\/models\/([^/]+):(\w+)$/.exec(pathname) ?? [];
      if (request.method === 'POST' && version !== undefined && model !== undefined && method !== undefined) {
        return call(request, response, { at, version, model: decodeURIComponent(model), method, key });
      }
      request.resume();
      return send(response, reply(request, { pathname, key }));
    },
  };

  function reply(request: IncomingMessage, { pathname, key }: { pathname: string; key: unknown }): Reply {
    if (pathname === '/__emulator/health') return ok({ status: 'ok', emulates: 'gemini' });
    if (pathname === '/__emulator/calls') return ok(stats);
    const [, name, id] = /^\/v1(?:beta|alpha)?\/(models\/[^/]+\/operations\/([\w-]+))$/.exec(pathname) ?? [];
    const [, file] = /^\/(?:download\/)?v1(?:beta|alpha)?\/files\/([\w-]+):download$/.exec(pathname) ?? [];
    if (request.method !== 'GET' || (id === undefined && file === undefined)) return errorReply(errors.notFound());
    if (settings.apiKey !== undefined && key !== settings.apiKey) {
      return errorReply(key ? errors.invalidKey() : errors.missingKey());
    }
    if (file !== undefined) return downloadReply(file);
    return operationReply(name ?? '', id ?? '', `http://${request.headers.host ?? '127.0.0.1'}`);
  }
}

function ok(body: object): Reply {
  return { status: 200, text: JSON.stringify(body) };
}
