import { z } from 'zod';
import { gpuEndpointSchema } from '../../domain/gpu-endpoint.ts';
import { vendors } from '../../domain/vendors.ts';

/** A process the engine looks after. `waiting`: it died and is started again after a pause. */
const processStatusSchema = z.object({
  name: z.enum(['server', 'emulator', 'worker', 'api']),
  pid: z.int().nullable(),
  state: z.enum(['starting', 'running', 'waiting', 'stopping', 'stopped']),
  /** Times it was started again after it died. */
  restarts: z.int(),
  /** ISO 8601. */
  startedAt: z.string().nullable(),
});

/** What the control socket answers to `GET /status`. */
export const engineReportSchema = z.object({
  home: z.string(),
  pid: z.int(),
  /** `ready` once all processes have been up together. */
  state: z.enum(['starting', 'ready', 'stopping']),
  /** ISO 8601. */
  startedAt: z.string(),
  buildId: z.string(),
  /** host:port of Temporal; null until it is known. */
  address: z.string().nullable(),
  namespace: z.string(),
  /** Temporal's Web UI; null if the server is not ours. */
  uiUrl: z.string().nullable(),
  /** The emulators of all vendors, and of ComfyUI: one process. */
  emulatorUrl: z.string().nullable(),
  comfyEmulatorUrl: z.string().nullable(),
  /** The REST service; null until its port is known. */
  apiUrl: z.string().nullable(),
  /** Vendors the workers have a key of. */
  live: z.array(z.enum(vendors)),
  /** The ComfyUI servers the workers know, their addresses without user and password. */
  gpus: z.array(gpuEndpointSchema),
  processes: z.array(processStatusSchema),
  ports: z.object({
    server: z.int().nullable(),
    ui: z.int().nullable(),
    emulator: z.int().nullable(),
    comfyui: z.int().nullable(),
    api: z.int().nullable(),
  }),
  logs: z.object({ engine: z.string(), server: z.string(), worker: z.string(), emulator: z.string(), api: z.string() }),
  /** Null if the server is not ours. */
  temporalBinary: z.string().nullable(),
});

export type ProcessStatus = z.output<typeof processStatusSchema>;
export type EngineReport = z.output<typeof engineReportSchema>;

/** The state of a running engine, as commands and the programmatic API see it. */
export interface EngineStatus extends EngineReport {
  address: string;
  emulatorUrl: string;
  comfyEmulatorUrl: string;
  /** The engine was started by another build than the running code. */
  stale: boolean;
}
