import type { BatchSpec } from '../domain/batch-spec.ts';
import type { BatchEvents, EventTarget } from '../domain/events.ts';
import { SluiceError } from '../domain/errors.ts';
import { targetsOf, type EventConfig } from '../domain/event-config.ts';
import { hostProblem, type HostRules } from '../domain/host-rules.ts';
import { loadConfig } from './config.ts';

/** `webhooks:` and `notify:` of a home, and which hosts addresses of batches may have; read anew. */
export function readEventConfig(home: string): EventConfig & { http: HostRules } {
  return loadConfig({ cwd: home, home, env: {}, notice: () => undefined });
}

/**
 * Who is told of a batch: for its workflow's input, without addresses and secrets of the configuration.
 * @throws SluiceError USAGE for a name the configuration has not, or an address that may not be asked
 */
export function eventsOf(home: string, { webhooks = [] }: Pick<BatchSpec, 'webhooks'>): { events?: BatchEvents } {
  const config = readEventConfig(home);
  const { targets, unknown } = targetsOf(config, webhooks);
  const [missing] = unknown;
  if (missing !== undefined) {
    throw new SluiceError('USAGE', `webhooks: there is no "${missing}" in the configuration.`, {
      action: 'Name one of webhooks: or notify: in $SLUICE_HOME/config.yaml, or give an http(s) address.',
    });
  }
  for (const target of targets) {
    const problem = addressProblem(config.http, target);
    if (problem === null) continue;
    throw new SluiceError('USAGE', `webhooks: a webhook was refused: ${problem}.`, {
      action:
        'Addresses of the inside network, and with passwords, belong under webhooks: in $SLUICE_HOME/config.yaml.',
    });
  }
  return targets.length === 0 ? {} : { events: { targets } };
}

/** The same where something has gone wrong already: those that cannot be told are left out. */
export function targetsLeft(home: string, { webhooks = [] }: Pick<BatchSpec, 'webhooks'>): EventTarget[] {
  const config = readEventConfig(home);
  return targetsOf(config, webhooks).targets.filter((target) => addressProblem(config.http, target) === null);
}

function addressProblem(rules: HostRules, { url }: EventTarget): string | null {
  if (url === undefined) return null;
  return URL.canParse(url) ? hostProblem(rules, new URL(url)) : 'it is not an address';
}
