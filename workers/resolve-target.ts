import { readEventConfig } from '../client/event-targets.ts';
import { withReferences } from '../client/references.ts';
import { webhookSecret } from '../client/webhook-secret.ts';
import { SluiceError } from '../domain/errors.ts';
import { configuredTargets } from '../domain/event-config.ts';
import type { EventTarget } from '../domain/events.ts';
import { keyOfSecret } from '../providers/events/sign.ts';
import type { ResolvedTarget } from '../providers/events/target.ts';

const hourMs = 3_600_000;

/**
 * Finds addresses and secrets of targets: in the configuration of the home, read anew each time, so that one that is
 * corrected holds from the next attempt on. An address of the configuration may lie in the inside network; one that
 * a batch brought may not.
 *
 * @throws SluiceError CONFIG_INVALID
 */
export function resolveTargetOf(home: string, env: NodeJS.ProcessEnv): (target: EventTarget) => ResolvedTarget {
  return ({ name, url }) => {
    if (url !== undefined) {
      const key = keyOfSecret(webhookSecret(home));
      return { kind: 'webhook', url, key, rules: readEventConfig(home).http, giveUpAfterMs: 24 * hourMs };
    }
    const found = configuredTargets(readEventConfig(home)).find((target) => target.name === name);
    if (found === undefined) {
      throw new SluiceError('CONFIG_INVALID', `There is no target "${name}" in the configuration any more.`);
    }
    const fill = (text: string, field: string): string => withReferences(text, `${name}: ${field}`, env);
    const giveUpAfterMs = found.give_up_after_hours * hourMs;
    switch (found.type) {
      case 'webhook': {
        const secret = found.secret === undefined ? webhookSecret(home) : fill(found.secret, 'secret');
        return { kind: 'webhook', ...placeOf(fill(found.url, 'url'), name), key: keyOfSecret(secret), giveUpAfterMs };
      }
      case 'slack':
        return { kind: 'slack', ...placeOf(fill(found.url, 'url'), name), giveUpAfterMs };
      case 'email': {
        const { to, from, smtp } = found;
        const { user, password } = smtp;
        return {
          kind: 'email',
          to,
          from,
          smtp: {
            ...smtp,
            ...(user === undefined ? {} : { user: fill(user, 'smtp.user') }),
            ...(password === undefined ? {} : { password: fill(password, 'smtp.password') }),
          },
          giveUpAfterMs,
        };
      }
    }
  };
}

/** Who wrote the configuration of an engine may let it ask that very place. */
function placeOf(url: string, name: string) {
  if (!URL.canParse(url)) throw new SluiceError('CONFIG_INVALID', `${name}: url: is not an address.`);
  return { url, rules: { allow: [new URL(url).host] } };
}
