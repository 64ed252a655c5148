import { readFileSync } from 'node:fs';
import { SluiceError } from '../../domain/errors.ts';

/**
 * Reads faults as the command line takes them: inline JSON, `name=rate,other=0.03` (rates; names that end
 * in `_ms` are settings), or the path of a file with either. What the names mean is the emulator's affair.
 *
 * @throws SluiceError USAGE that says what is wrong.
 */
export function readFaultText(text: string): unknown {
  const source = text.trim();
  if (source.startsWith('{')) return parseInlineJson(source);
  if (/^\w+\s*=/.test(source)) return parsePairs(source);
  let content: string;
  try {
    content = readFileSync(source, 'utf8').trim();
  } catch (error) {
    throw new SluiceError(
      'USAGE',
      `The faults are neither JSON, nor name=rate pairs, nor a file that can be read: ${source}`,
      { cause: error },
    );
  }
  return content.startsWith('{') ? parseInlineJson(content) : parsePairs(content);
}

function parseInlineJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new SluiceError('USAGE', 'The faults are not valid JSON.', { cause: error });
  }
}

function parsePairs(text: string): unknown {
  const rates: Record<string, number> = {};
  const delays: Record<string, number> = {};
  for (const pair of text.split(/[,\n]/).filter((line) => line.trim() !== '')) {
    const [, name, value] = /^\s*(\w+)\s*=\s*([\d.]+)\s*$/.exec(pair) ?? [];
    if (name === undefined || value === undefined) {
      throw new SluiceError('USAGE', `A fault is given as name=rate, e.g. text_only=0.1, not as: ${pair.trim()}`);
    }
    (name.endsWith('_ms') ? delays : rates)[name] = Number(value);
  }
  return { rates, ...delays };
}
