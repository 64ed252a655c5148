import { z } from 'zod';
import { SluiceError } from '../../domain/errors.ts';
import { withoutCredentials, type GpuEndpointConfig } from '../../domain/gpu-endpoint.ts';

/** The part of ComfyUI's answer that tells what a server has. */
const systemStatsSchema = z.looseObject({
  devices: z.array(z.looseObject({ name: z.string(), vram_total: z.number() })).min(1),
});

/** What a server says of its queue: prompts that run or wait, whoever sent them. */
const queueSchema = z.looseObject({ exec_info: z.looseObject({ queue_remaining: z.int().min(0) }) });

export interface SeenGpu {
  /** As ComfyUI calls it, e.g. `cuda:0 NVIDIA GeForce RTX 4090 : cudaMallocAsync`. */
  device: string;
  vramTotalBytes: number;
  /** Prompts that run or wait, whoever sent them; null where it does not say. */
  prompts: number | null;
}

/**
 * Asks a ComfyUI server for its first device, the one prompts run on, and for the length of its queue.
 *
 * @param timeoutMs for each request; short, because a person waits and a server at work answers in milliseconds
 * @throws SluiceError UNAVAILABLE with the reason, if it does not answer as ComfyUI does
 */
export async function lookAtGpu(endpoint: GpuEndpointConfig, timeoutMs = 2_000): Promise<SeenGpu> {
  // Behind a proxy only one of the two may be there.
  for (const prefix of ['', '/api']) {
    const reply = await ask(endpoint, `${prefix}/system_stats`, timeoutMs);
    if (reply.status === 401 || reply.status === 403)
      throw unavailable(endpoint, `it refuses access (${String(reply.status)})`);
    const stats = systemStatsSchema.safeParse(reply.body);
    const device = stats.data?.devices[0];
    if (reply.status !== 200 || device === undefined) continue;
    const queue = queueSchema.safeParse((await ask(endpoint, `${prefix}/prompt`, timeoutMs)).body);
    const prompts = queue.data?.exec_info.queue_remaining ?? null;
    return { device: device.name, vramTotalBytes: device.vram_total, prompts };
  }
  throw unavailable(endpoint, 'it is no ComfyUI server');
}

async function ask(
  endpoint: GpuEndpointConfig,
  path: string,
  timeoutMs: number,
): Promise<{ status: number; body: unknown }> {
  const { username, password } = new URL(endpoint.url);
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  try {
    const reply = await fetch(`${withoutCredentials(endpoint.url)}${path}`, {
      headers: username === '' ? {} : { authorization: `Basic ${Buffer.from(login).toString('base64')}` },
      signal: AbortSignal.timeout(timeoutMs),
    });
    return { status: reply.status, body: parseJson(await reply.text()) };
  } catch (error) {
    throw unavailable(endpoint, reasonOf(error, timeoutMs), error);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function reasonOf(error: unknown, timeoutMs: number): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `no answer within ${timeoutMs / 1_000} s`;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : 'the connection failed';
}

function unavailable({ name, url }: GpuEndpointConfig, reason: string, cause?: unknown): SluiceError {
  return new SluiceError('UNAVAILABLE', `ComfyUI cannot be used at ${new URL(url).host}: ${reason}.`, {
    action: `Start it there, or correct "${name}" in gpus.`,
    ...(cause === undefined ? {} : { cause }),
  });
}
