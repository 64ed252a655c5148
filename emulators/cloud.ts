import { optionsSchema } from './gemini/options.ts';
import { createGeminiService } from './gemini/service.ts';
import { CallLog } from './shared/call-log.ts';
import { CallStats } from './shared/call-stats.ts';
import { now } from './shared/clock.ts';
import { startHttpServer, type HttpServer } from './shared/http.ts';
import { textOptionsSchema } from './text/options.ts';
import { createTextService } from './text/service.ts';

/**
 * Every vendor's models on one port, as an engine serves them to batches without keys. A model of the user's own
 * models.yaml is taken for one of text.
 *
 * @throws SluiceError USAGE when the port is taken
 */
export function startCloudEmulator({ port }: { port: number }): Promise<HttpServer> {
  const log = new CallLog(undefined);
  const stats = new CallStats();
  const text = createTextService(textOptionsSchema.parse({ keyless: true }), log, stats);
  const gemini = createGeminiService(optionsSchema.parse({ textModels: null }), log, stats);
  return startHttpServer([text, gemini], { port, now });
}
