import { CallLog } from '../shared/call-log.ts';
import { CallStats } from '../shared/call-stats.ts';
import { checkOptions } from '../shared/check-options.ts';
import { now } from '../shared/clock.ts';
import { startHttpServer, type HttpServer } from '../shared/http.ts';
import { optionsSchema, type GeminiEmulatorOptions } from './options.ts';
import { createGeminiService } from './service.ts';

/** `close` also ends the log. */
export type GeminiEmulator = HttpServer;

/**
 * An emulator of Gemini's models over real HTTP on the loopback interface: shapes and errors of the real API,
 * pictures, texts and videos that say what they were asked for, faults that repeat with the seed.
 *
 * @throws SluiceError USAGE when an option is wrong, the log cannot be written or the port is taken.
 */
export async function startGeminiEmulator(options: GeminiEmulatorOptions = {}): Promise<GeminiEmulator> {
  const settings = checkOptions(optionsSchema, options);
  const log = new CallLog(settings.callLog);
  const service = createGeminiService(settings, log, new CallStats());
  return log.until(startHttpServer([service], { port: settings.port, now }));
}
