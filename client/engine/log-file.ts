import { closeSync, fstatSync, openSync, readSync, renameSync, statSync } from 'node:fs';

const keepBytes = 10 * 1024 * 1024;
const tailBytes = 16 * 1024;

/** Sets a log aside as `.1` once it is over 10 MiB. Only before somebody writes to it. */
export function rotateLog(file: string): void {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat !== undefined && stat.size > keepBytes) renameSync(file, `${file}.1`);
}

/** Bytes in a log now; 0 if there is none. */
export function logSize(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/**
 * Last error in what was written to a log after its first `from` bytes, else the last line; null if
 * nothing was. A program that ends by an exception writes more lines after the one that says why.
 */
export function lastWords(file: string, from: number): string | null {
  if (logSize(file) <= from) return null;
  const descriptor = openSync(file, 'r');
  try {
    const { size } = fstatSync(descriptor);
    const start = Math.max(from, size - tailBytes);
    const buffer = Buffer.alloc(size - start);
    const read = readSync(descriptor, buffer, 0, buffer.length, start);
    const lines = buffer
      .toString('utf8', 0, read)
      .split('\n')
      .map((line) => line.trim());
    return lines.findLast((line) => /error: /i.test(line)) ?? lines.findLast((line) => line !== '') ?? null;
  } finally {
    closeSync(descriptor);
  }
}
