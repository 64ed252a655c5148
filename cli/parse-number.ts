import { InvalidArgumentError } from 'commander';

/** Parser of a whole number in a range, for commander. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isInteger(value) || value < min || value > max) {
      throw new InvalidArgumentError(`It must be a whole number from ${String(min)} to ${String(max)}.`);
    }
    return value;
  };
}

export function numberFrom(min: number, max = Infinity): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !(value >= min && value <= max)) {
      const range = max === Infinity ? `${String(min)} or more` : `from ${String(min)} to ${String(max)}`;
      throw new InvalidArgumentError(`It must be a number, ${range}.`);
    }
    return value;
  };
}

/** What a limit may be set to: a number, or no limit at all. */
export type NumberOrNone = number | 'none';

/** A number, or `none`. Stays a word until the options are complete, because commander takes null for absent. */
export function numberOrNone(parse: (text: string) => number): (text: string) => NumberOrNone {
  return (text) => (text === 'none' ? text : parse(text));
}

/** The value of a limit: null for `none`. */
export function limitOf(value: NumberOrNone): number | null {
  return value === 'none' ? null : value;
}

/** `30m`, `12h`, `7d`, `2w` as milliseconds. */
export function durationMs(text: string): number {
  const match = /^(\d+(?:\.\d+)?)([smhdw])$/.exec(text);
  const unitMs = { s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5 }[match?.[2] ?? ''];
  if (match === null || unitMs === undefined) {
    throw new InvalidArgumentError('It must be a number and a unit, such as 30m, 12h, 7d or 2w.');
  }
  return Number(match[1]) * unitMs;
}
