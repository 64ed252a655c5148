import { readFileSync } from 'node:fs';
import { SluiceError } from '../domain/errors.ts';

/**
 * Puts the values of `${env:NAME}` and `${file:/path}` into a text of the configuration.
 *
 * @param place which setting it is, for the message
 * @throws SluiceError CONFIG_INVALID naming what is missing, never a value
 */
export function withReferences(text: string, place: string, env: NodeJS.ProcessEnv): string {
  return text.replace(/\$\{(env|file):([^}]+)\}/g, (_, kind: string, name: string) => {
    if (kind === 'env') {
      const value = env[name];
      if (value) return value;
      throw new SluiceError('CONFIG_INVALID', `${place}: the environment of the engine has no ${name}.`, {
        action: `Set ${name} and start the engine anew, or use \${file:/path}.`,
      });
    }
    try {
      return readFileSync(name, 'utf8').trim();
    } catch (cause) {
      throw new SluiceError('CONFIG_INVALID', `${place}: ${name} cannot be read.`, { cause });
    }
  });
}
