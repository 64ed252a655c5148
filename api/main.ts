import { apiSettingsFrom, isLoopback } from '../client/api-settings.ts';
import { defaultHome } from '../client/engine/home.ts';
import { openLog } from '../client/log.ts';
import { readTokens } from '../client/tokens.ts';
import { startTracing } from '../client/tracing/tracing.ts';
import type { Tracing } from '../client/tracing/types.ts';
import { version } from '../client/version.ts';
import { SluiceError } from '../domain/errors.ts';
import { createApp } from './create-app.ts';
import { EngineLink } from './engine-link.ts';

/**
 * The process of the REST service, a part of the engine. Configured by its environment (SLUICE_HOME, SLUICE_API,
 * TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE); tells its parent `ready` when it listens.
 */
let tracing: Tracing | null = null;
const log = openLog(process.env, { more: () => tracing?.logFields() ?? {} });
const settings = apiSettingsFrom(process.env);
const home = defaultHome(process.env);
if (!isLoopback(settings.host) && readTokens(home).length === 0) {
  const problem = `api.host: others reach ${settings.host}, and there are no tokens. Make one with: sluice token create NAME`;
  throw new SluiceError('CONFIG_INVALID', problem);
}
tracing = await startTracing({
  service: 'sluice-api',
  env: process.env,
  warn: (message) => {
    log.warn(message);
  },
});
const engine = new EngineLink(home, { interceptors: tracing?.clientInterceptors });
const app = await createApp({ home, settings, engine, log, version: version(), traced: tracing !== null });
await app.listen(settings.port ?? 0, settings.host);
log.info({ pid: process.pid, url: await app.getUrl() }, 'listening');
process.send?.('ready');
// So that the first request need not wait for it.
void engine.answers();

let stopping = false;
const stop = (): void => {
  if (stopping) return;
  stopping = true;
  void app
    .close()
    .then(() => engine.close())
    .then(() => tracing?.close())
    .finally(() => process.exit());
};
for (const event of ['SIGTERM', 'SIGINT', 'disconnect'] as const) process.once(event, stop);
