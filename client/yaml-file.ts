import { readFile } from 'node:fs/promises';
import { isMap, isNode, LineCounter, parseDocument, type Document } from 'yaml';
import type { z } from 'zod';
import { SluiceError } from '../domain/errors.ts';

/** A YAML file that holds a map, with what it takes to say where in it something stands. */
export interface YamlFile {
  path: string;
  document: Document;
  lines: LineCounter;
  value: unknown;
}

const invalid = (message: string): SluiceError => new SluiceError('CONFIG_INVALID', message);

/**
 * Reads a YAML file; null when there is none. An empty one holds an empty map.
 *
 * @param holds what its top level has to hold, for the message, e.g. `"models:"`
 * @throws SluiceError CONFIG_INVALID naming file, line and what is wrong
 */
export async function readYamlFile(path: string, holds: string): Promise<YamlFile | null> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw invalid(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [problem] = document.errors;
  if (problem !== undefined) throw invalid(`${path}:${lines.linePos(problem.pos[0]).line}: ${problem.message}`);
  if (document.contents !== null && !isMap(document.contents)) throw invalid(`${path}:1: must hold ${holds}`);
  try {
    return { path, document, lines, value: document.toJS() ?? {} };
  } catch (error) {
    // Aliases are followed only here: one may lead nowhere, or to far too much.
    throw invalid(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Where a file speaks of a path, or of its nearest ancestor: how deep that is, and its line. */
export function locate(file: YamlFile, path: readonly PropertyKey[]): { depth: number; line: number } {
  for (let depth = path.length; depth > 0; depth--) {
    const parent = file.document.getIn(path.slice(0, depth - 1), true) ?? file.document.contents;
    if (!isMap(parent)) continue;
    const pair = parent.items.find((item) => String(item.key) === String(path[depth - 1]));
    if (pair !== undefined && isNode(pair.key) && pair.key.range) {
      return { depth, line: file.lines.linePos(pair.key.range[0]).line };
    }
  }
  return { depth: 0, line: 1 };
}

/** Which field a finding of zod is about, and the rule it broke, in words of a file and not of a schema. */
export function describeIssue(issue: z.core.$ZodIssue): { path: PropertyKey[]; rule: string } {
  if (issue.code === 'unrecognized_keys') {
    return { path: [...issue.path, ...issue.keys.slice(0, 1)], rule: 'is not a field of this file' };
  }
  const nested = issue.code === 'invalid_key' ? issue.issues[0] : undefined;
  return { path: issue.path, rule: nested?.message ?? issue.message };
}
