import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { parseComfyGraph, type ComfyGraph } from '../domain/comfy-graph.ts';
import { SluiceError } from '../domain/errors.ts';
import { packageRoot } from './engine/package-root.ts';

const graphsDirectory = join(packageRoot, 'flows', 'comfy');

/** A graph of ComfyUI in API format, as it stands in a file. */
export interface GraphFile {
  text: string;
  graph: ComfyGraph;
  /** Of the file, without its directory. */
  name: string;
}

/**
 * A graph in API format.
 * @throws SluiceError INPUT_NOT_FOUND, INVALID_INPUT, CONFIG_INVALID
 */
export async function readGraphFile(path: string): Promise<GraphFile> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new SluiceError('INPUT_NOT_FOUND', `The graph ${path} cannot be read.`, { cause });
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new SluiceError('INVALID_INPUT', `The graph ${path} is no JSON.`, {
      action: 'Export it from ComfyUI with: Workflow > Export (API).',
      cause,
    });
  }
  return { text, graph: parseComfyGraph(value, path), name: basename(path) };
}

/** Where a batch keeps a graph: by its content, so that what is staged with it stays what it was. */
export function graphKey(text: string): string {
  return `input/graph-${createHash('sha256').update(text).digest('hex').slice(0, 16)}.json`;
}

/** Names of the graphs that come with Sluice. */
export async function shippedGraphs(): Promise<string[]> {
  const files = await readdir(graphsDirectory);
  return files
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length))
    .sort();
}

/**
 * The file of a graph that a profile or a flow names: one that comes with Sluice, or a path, which is taken from the
 * file it stands in, so that it means the same from every directory. Null: neither.
 */
export function graphPathOf(graph: string, file: string, shipped: readonly string[]): string | null {
  if (graph.endsWith('.json')) return resolve(dirname(file), graph);
  return shipped.includes(graph) ? join(graphsDirectory, `${graph}.json`) : null;
}

/** What `graphPathOf` takes, for messages. */
export function graphRule(shipped: readonly string[]): string {
  return `must be a graph that comes with Sluice (${shipped.join(', ')}) or a path that ends in .json`;
}
