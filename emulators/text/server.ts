import { CallLog } from '../shared/call-log.ts';
import { CallStats } from '../shared/call-stats.ts';
import { checkOptions } from '../shared/check-options.ts';
import { now } from '../shared/clock.ts';
import { startHttpServer, type HttpServer } from '../shared/http.ts';
import { textOptionsSchema, type TextEmulatorOptions } from './options.ts';
import { createTextService } from './service.ts';

/** `close` also ends the log. */
export type TextEmulator = HttpServer;

/**
 * An emulator of OpenAI's chat completions and Anthropic's messages over real HTTP on the loopback interface:
 * shapes and errors of the real APIs, prose that repeats with what was asked, faults that repeat with the seed.
 *
 * @throws SluiceError USAGE when an option is wrong, the log cannot be written or the port is taken.
 */
export async function startTextEmulator(options: TextEmulatorOptions = {}): Promise<TextEmulator> {
  const settings = checkOptions(textOptionsSchema, options);
  const log = new CallLog(settings.callLog);
  const service = createTextService(settings, log, new CallStats());
  return log.until(startHttpServer([service], { port: settings.port, now }));
}
