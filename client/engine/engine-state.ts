import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { z } from 'zod';

const processSchema = z.object({ name: z.string(), pid: z.int(), startId: z.string(), restarts: z.int() });

/**
 * `engine.json`: what a supervisor runs, so that the next one can clear it away after a `kill -9`.
 * Holds no secrets.
 */
const engineStateSchema = z.object({
  pid: z.int(),
  startId: z.string(),
  /** ISO 8601. */
  startedAt: z.string(),
  buildId: z.string(),
  address: z.string().nullable(),
  namespace: z.string(),
  ports: z.object({
    server: z.int().nullable(),
    ui: z.int().nullable(),
    emulator: z.int().nullable(),
    // Engines that had no such emulator wrote none, and what they left must be cleared away too.
    comfyui: z.int().nullable().default(null),
    api: z.int().nullable().default(null),
  }),
  processes: z.array(processSchema),
});

export type EngineState = z.output<typeof engineStateSchema>;

/** Null if there is none, or none that can be read: a torn disk must not keep the engine from starting. */
export function readEngineState(file: string): EngineState | null {
  try {
    return engineStateSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return null;
  }
}

/** Written in one step and synchronously: a child must be on record before anything else can happen. */
export function writeEngineState(file: string, state: EngineState): void {
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  renameSync(temporary, file);
}

export function removeEngineState(file: string): void {
  rmSync(file, { force: true });
}
