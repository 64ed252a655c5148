import { existsSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import protobuf from '@temporalio/proto';

const pathOf = (name: string): string => join(import.meta.dirname, 'histories', `${name}.json`);

export function isRecorded(name: string): boolean {
  return existsSync(pathOf(name));
}

/** Writes the history of a run to `histories/<name>.json`, unless there is one: it tells what older workflows did. */
export async function saveHistory(name: string, handle: WorkflowHandle): Promise<void> {
  if (isRecorded(name)) return;
  const { History } = protobuf.temporal.api.history.v1;
  const history = History.toObject(History.create(await handle.fetchHistory()), { bytes: String, longs: String });
  const file = { workflowId: handle.workflowId, history };
  writeFileSync(pathOf(name), `${JSON.stringify(file, neutral, 1)}\n`);
}

/** Leaves out what tells of the machine: who did it, and where its code lay. */
function neutral(key: string, value: unknown): unknown {
  if (key === 'stackTrace') return '';
  // Workers of an engine are other processes than this one.
  return typeof value === 'string' ? value.replaceAll(new RegExp(`\\d+@${hostname()}[^"]*`, 'g'), 'recorder') : value;
}
