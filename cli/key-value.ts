import { InvalidArgumentError } from 'commander';

/**
 * Collects `key=value` of an option that may be repeated. A value that is JSON (a number, true, a list) is
 * taken as such, everything else as text.
 */
export function keyValue(pair: string, earlier: Record<string, unknown> = {}): Record<string, unknown> {
  const [, key, value = ''] = /^([^=]+)=(.*)$/s.exec(pair) ?? [];
  if (key === undefined) throw new InvalidArgumentError('must be key=value');
  return { ...earlier, [key]: valueOf(value) };
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
