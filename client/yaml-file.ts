import { readFile, stat } from 'node:fs/promises';
import {
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Node,
  type YAMLParseError,
} from 'yaml';
import type { z } from 'zod';
import { SluiceError } from '../domain/errors.ts';

/** A YAML file that holds a map, with what it takes to say where in it something stands. */
export interface YamlFile {
  path: string;
  text: string;
  document: Document;
  lines: LineCounter;
  value: unknown;
}

const invalid = (message: string): SluiceError => new SluiceError('CONFIG_INVALID', message);

/**
 * Reads a YAML file; null when there is none. An empty one holds an empty map.
 *
 * @param holds what its top level has to hold, for the message, e.g. `"models:"`
 * @throws SluiceError CONFIG_INVALID naming file, line, column and what is wrong
 */
export async function readYamlFile(path: string, holds: string): Promise<YamlFile | null> {
  const text = await readText(path);
  if (text === null) return null;
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${path}:${line}:${col}`;
  };
  const [problem] = document.errors;
  if (problem !== undefined) throw invalid(`${at(problem.pos[0])}: ${wordsOf(problem)}`);
  if (document.contents !== null && !isMap(document.contents)) throw invalid(`${path}:1:1: must hold ${holds}`);
  try {
    return { path, text, document, lines, value: document.toJS() ?? {} };
  } catch (error) {
    // Aliases are followed only here: one may lead nowhere, or to far too much.
    const message = error instanceof Error ? error.message : String(error);
    throw invalid(`${at(aliasIn(document, message))}: ${message}`);
  }
}

/** Longest file, bytes: a person writes a hundredth of it. */
const maxBytes = 1024 * 1024;

/** Null when there is no file. */
async function readText(path: string): Promise<string | null> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) throw invalid(`${path} is a directory, not a file`);
    if (!found.isFile() && !found.isFIFO()) throw invalid(`${path} is not a file`);
    if (found.size > maxBytes) throw invalid(`${path}:1:1: is larger than 1 MiB`);
    const text = (await readFile(path, 'utf8')).replace(/^\uFEFF/, '');
    const broken = /[\0\uFFFD]/.exec(text);
    if (broken === null) return text;
    const before = text.slice(0, broken.index).split('\n');
    throw invalid(`${path}:${before.length}:${(before.at(-1) ?? '').length + 1}: is no text in UTF-8`);
  } catch (error) {
    if (error instanceof SluiceError) throw error;
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw invalid(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** In words of a file and not of a library. */
function wordsOf({ code, message }: Pick<YAMLParseError, 'code' | 'message'>): string {
  if (code === 'MULTIPLE_DOCS') return 'holds more than one document';
  return message.includes('call stack') ? 'is nested too deeply' : message;
}

/** Offset of the alias that a message names, else of the first one. */
function aliasIn(document: Document, message: string): number {
  let offset = 0;
  visit(document, {
    Alias(_, { source, range }) {
      if (offset === 0 || message.endsWith(`: ${source}`)) offset = range?.[0] ?? 0;
      return message.endsWith(`: ${source}`) ? visit.BREAK : undefined;
    },
  });
  return offset;
}

/** Where a file speaks of a path, or of its nearest ancestor: how deep that is, its line and its column. */
export function locate(file: YamlFile, path: readonly PropertyKey[]): { depth: number; line: number; column: number } {
  for (let depth = path.length; depth > 0; depth--) {
    const parent = file.document.getIn(path.slice(0, depth - 1), true) ?? file.document.contents;
    const node = childOf(parent, path[depth - 1] ?? '');
    if (!node?.range) continue;
    const { line, col: column } = file.lines.linePos(node.range[0]);
    return { depth, line, column };
  }
  return { depth: 0, line: 1, column: 1 };
}

/** The key of a map, or the entry of a list. */
function childOf(parent: unknown, key: PropertyKey): Node | undefined {
  if (isSeq(parent)) {
    const item = parent.items[Number(key)];
    return isNode(item) ? item : undefined;
  }
  if (!isMap(parent)) return undefined;
  const pair = parent.items.find((item) => String(item.key) === String(key));
  return pair !== undefined && isNode(pair.key) ? pair.key : undefined;
}

/**
 * Where in a file a place of a text stands, one-based. In texts that are written as they are read: a block
 * (`|`), or one line. Of others (`>`, escapes) the place where the text begins.
 */
export function locateInText(
  file: YamlFile,
  path: readonly PropertyKey[],
  at: { line: number; column: number },
): { line: number; column: number } {
  const node = file.document.getIn(path, true);
  if (!isScalar(node) || !node.range || typeof node.value !== 'string') return locate(file, path);
  const { line, col } = file.lines.linePos(node.range[0]);
  if (node.type === 'BLOCK_LITERAL') {
    const written = file.text.split('\n')[line - 1 + at.line] ?? '';
    return { line: line + at.line, column: (/^ */.exec(written)?.[0].length ?? 0) + at.column };
  }
  const quotes = node.type === 'PLAIN' ? 0 : 1;
  const written = file.text.slice(node.range[0] + quotes, node.range[0] + quotes + node.value.length);
  return written === node.value ? { line, column: col + quotes + at.column - 1 } : { line, column: col };
}

/** Which field a finding of zod is about, and the rule it broke, in words of a file and not of a schema. */
export function describeIssue(issue: z.core.$ZodIssue): { path: PropertyKey[]; rule: string } {
  if (issue.code === 'unrecognized_keys') {
    return { path: [...issue.path, ...issue.keys.slice(0, 1)], rule: 'is not a field of this file' };
  }
  const nested = issue.code === 'invalid_key' ? issue.issues[0] : undefined;
  return { path: issue.path, rule: nested?.message ?? issue.message };
}
