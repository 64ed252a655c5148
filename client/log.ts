import { writeFileSync } from 'node:fs';
import { pino, type DestinationStream, type Logger } from 'pino';

/** Variables whose names say that they hold a secret. */
const secretNames = /KEY|TOKEN|SECRET|PASSWORD|HEADERS|SLUICE_GPUS/;
/** What is shorter could stand in a line by chance. */
const shortestSecret = 6;

interface LogOptions {
  /** Added to every line. */
  more?: () => Record<string, unknown>;
  /** @default standard output */
  to?: DestinationStream;
}

/**
 * The log of a process of the engine: JSON lines in which no secret of the environment stands, wherever it came from.
 */
export function openLog(env: NodeJS.ProcessEnv, { more = () => ({}), to }: LogOptions = {}): Logger {
  const secrets = secretsOf(env).map((secret) => JSON.stringify(secret).slice(1, -1));
  const hide = (line: string): string => secrets.reduce((text, secret) => text.replaceAll(secret, '[secret]'), line);
  const options = { level: env['SLUICE_LOG_LEVEL'] || 'info', mixin: more, hooks: { streamWrite: hide } };
  return pino(options, to ?? writeTo(process.stdout.fd));
}

/** Writes to a file that is open. A disk that is full costs lines of the log, and neither a request nor the process. */
export function writeTo(file: number): DestinationStream {
  let torn = false;
  return {
    write(line) {
      try {
        writeFileSync(file, torn ? `\n${line}` : line);
        torn = false;
      } catch {
        torn = true;
      }
    },
  };
}

/** Keys as they are; of lists of headers and of addresses the values and passwords in them. The longest first. */
function secretsOf(env: NodeJS.ProcessEnv): string[] {
  const values = Object.entries(env).flatMap(([name, value = '']) => {
    if (!secretNames.test(name)) return [];
    if (name === 'SLUICE_GPUS')
      return [...value.matchAll(/\/\/[^/@"\s]*:([^/@"\s]+)@/g)].map(([, password = '']) => password);
    if (name.endsWith('HEADERS')) return value.split(',').map((header) => header.replace(/^[^=]*=/, '').trim());
    return [value];
  });
  // A number (MAX_TOKENS) is no secret, and could stand in a line as a number.
  const secrets = values.filter((value) => value.length >= shortestSecret && Number.isNaN(Number(value)));
  return secrets.sort((a, b) => b.length - a.length);
}
