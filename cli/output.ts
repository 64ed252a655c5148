import { SluiceError } from '../domain/errors.ts';

/** Answers go to standard output, everything else to standard error. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value));
}

export function notice(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** One clear line and what to do; no stack unless SLUICE_DEBUG is set. */
export function describeError(error: unknown): string {
  const known = error instanceof SluiceError ? error : undefined;
  const message = error instanceof Error ? error.message : String(error);
  const text =
    known === undefined
      ? `sluice: ${oneLine(message)} (INTERNAL; set SLUICE_DEBUG=1 to see where)`
      : `sluice: ${oneLine(message)} (${known.code})\n  ${known.action}`;
  const stack = process.env['SLUICE_DEBUG'] && error instanceof Error ? `\n${error.stack ?? ''}` : '';
  return `${text}${stack}`;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
