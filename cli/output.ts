import { errorCatalog, SluiceError } from '../domain/errors.ts';

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

/** What ends a command. */
export function describeError(error: unknown): string {
  return `sluice: ${describeProblem(error)}`;
}

/** One clear line and what to do; no stack unless SLUICE_DEBUG is set. */
export function describeProblem(error: unknown): string {
  const { code, message, action } = errorFields(error);
  const stack = process.env['SLUICE_DEBUG'] && error instanceof Error ? `\n${error.stack ?? ''}` : '';
  return `${message} (${code})\n  ${action}${stack}`;
}

/** With `--json` a command that fails still prints one object: `{"error":{"code","message","action"}}`. */
export function printJsonError(error: unknown): void {
  printJson({ error: errorFields(error) });
}

function errorFields(error: unknown): { code: string; message: string; action: string } {
  const message = oneLine(error instanceof Error ? error.message : String(error));
  if (error instanceof SluiceError) return { code: error.code, message, action: oneLine(error.action) };
  return { code: 'INTERNAL', message, action: `${errorCatalog.INTERNAL.action} SLUICE_DEBUG=1 shows where it arose.` };
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
