import { randomUUID } from 'node:crypto';
import { FormData, type Dispatcher } from 'undici';
import type { z } from 'zod';
import type { ComfyGraph } from '../../domain/comfy-graph.ts';
import { SluiceError } from '../../domain/errors.ts';
import { ProviderError } from '../provider-error.ts';
import { cancelPrompt } from './cancel.ts';
import { nodeErrorsError, parseJson, replyError, submitError } from './errors.ts';
import { normalizeBaseUrl, send, type CallOptions, type HttpReply, type HttpRequest } from './http.ts';
import { lookInHistory, lookInQueue, type ComfyFile, type ComfyLook, type ComfyQueue } from './look.ts';
import { ProgressSocket, type ComfyProgressEvent } from './progress.ts';
import {
  cancelledSchema,
  choicesSchema,
  historySchema,
  objectInfoSchema,
  queueSchema,
  submittedSchema,
  systemStatsSchema,
  uploadedSchema,
} from './schemas.ts';

interface ComfyClientOptions {
  /** e.g. `http://gpu-1:8188`. */
  baseUrl: string;
  /**
   * Who we are on the server: its WebSocket tells the progress of prompts to the client id that submitted
   * them, so one that stays the same over restarts keeps progress too. @default a random one
   */
  clientId?: string;
  /** Of any call but up- and downloads, milliseconds. @default 15000 */
  timeoutMs?: number;
  /** Connections to use instead of the process's shared pool. */
  dispatcher?: Dispatcher;
}

export interface ComfySubmission {
  graph: ComfyGraph;
  /** Lowercase hyphenated UUID. */
  promptId: string;
  /** `extra_pnginfo` in it goes into the PNGs, an entry a text chunk. */
  extraData?: Record<string, unknown>;
}

export interface ComfyDevice {
  name: string;
  type: string;
  vramTotalBytes: number;
  vramFreeBytes: number;
}

export type ComfyClient = ReturnType<typeof createComfyClient>;

const transferTimeoutMs = 120_000;

/**
 * One ComfyUI server, old (0.3.64) or new. Every call throws ProviderError: UNAVAILABLE and TIMEOUT when the
 * server is away, hangs or breaks off; INVALID_INPUT when it refuses; AUTH when something in front of it does.
 *
 * @throws SluiceError CONFIG_INVALID when the address is none.
 */
export function createComfyClient({
  baseUrl,
  clientId = randomUUID(),
  timeoutMs = 15_000,
  dispatcher,
}: ComfyClientOptions) {
  const base = normalizeBaseUrl(baseUrl);
  /** Null until found out; `/api` or nothing. */
  let prefix: string | null = null;
  let hasJobs = true;

  function urlOf(path: string, on: string): URL {
    const url = new URL(base);
    const [pathname = '', search = ''] = path.split('?');
    url.pathname = `${base.pathname === '/' ? '' : base.pathname}${on}${pathname}`;
    url.search = search;
    return url;
  }

  /** Behind a proxy only one of the two may be there. */
  async function prefixOf(options: CallOptions): Promise<string> {
    if (prefix !== null) return prefix;
    for (const candidate of ['', '/api']) {
      const reply = await send(urlOf('/system_stats', candidate), withDefaults({}, options), dispatcher);
      if (reply.status === 200 && systemStatsSchema.safeParse(parseJson(reply.body)).success)
        return (prefix = candidate);
      if (![200, 404, 405].includes(reply.status)) throw replyError(reply, 'GET /system_stats');
    }
    throw new ProviderError('UNAVAILABLE', `There is no ComfyUI at ${base.host}: it does not answer /system_stats.`);
  }

  function withDefaults(request: Partial<HttpRequest>, { signal }: CallOptions): HttpRequest {
    return { timeoutMs, ...request, ...(signal !== undefined && { signal }) };
  }

  async function call(path: string, request: Partial<HttpRequest>, options: CallOptions): Promise<HttpReply> {
    return send(urlOf(path, await prefixOf(options)), withDefaults(request, options), dispatcher);
  }

  async function callFor<Schema extends z.ZodType>(
    schema: Schema,
    path: string,
    options: CallOptions,
    request: Partial<HttpRequest> = {},
  ): Promise<z.output<Schema>> {
    const reply = await call(path, request, options);
    const what = `${request.method ?? 'GET'} ${path.split('?')[0] ?? ''}`;
    if (reply.status !== 200) throw replyError(reply, what);
    const parsed = schema.safeParse(parseJson(reply.body));
    if (!parsed.success) throw new ProviderError('UNAVAILABLE', `ComfyUI's answer to ${what} cannot be read.`);
    return parsed.data;
  }

  async function change(path: string, body: object, options: CallOptions): Promise<void> {
    const reply = await call(path, { method: 'POST', body }, options);
    if (reply.status !== 200) throw replyError(reply, `POST ${path}`);
  }

  const socket = new ProgressSocket(async () => {
    const url = urlOf(`/ws?clientId=${encodeURIComponent(clientId)}`, await prefixOf({}));
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    return url;
  }, dispatcher);

  const client = {
    clientId,
    host: base.host,

    /** Version and devices; the first device is the one prompts run on. */
    async systemStats(options: CallOptions = {}): Promise<{ version: string | undefined; devices: ComfyDevice[] }> {
      const { system, devices } = await callFor(systemStatsSchema, '/system_stats', options);
      return {
        version: system?.comfyui_version,
        devices: devices.map(({ name, type, vram_total, vram_free }) => {
          return { name, type, vramTotalBytes: vram_total, vramFreeBytes: vram_free };
        }),
      };
    },

    async queue(options: CallOptions = {}): Promise<ComfyQueue> {
      const { queue_running: running, queue_pending: pending } = await callFor(queueSchema, '/queue', options);
      // The server's list is a heap: its order says little.
      const entries = (tuples: typeof running) =>
        tuples
          .map(([number, promptId]) => ({ number, promptId }))
          .sort((a, b) => a.number - b.number || (a.promptId < b.promptId ? -1 : 1));
      return { running: entries(running), pending: entries(pending) };
    },

    /**
     * Submits a prompt. Not idempotent: after TIMEOUT or UNAVAILABLE it may run all the same, so look first.
     *
     * @throws ProviderError INVALID_INPUT that names the node, also where the server would have run a part
     * of the graph (that prompt is cancelled).
     */
    async submit(
      { graph, promptId, extraData }: ComfySubmission,
      options: CallOptions = {},
    ): Promise<{ number: number }> {
      const body = {
        prompt: graph,
        prompt_id: promptId,
        client_id: clientId,
        ...(extraData && { extra_data: extraData }),
      };
      const reply = await call('/prompt', { method: 'POST', body }, options);
      if (reply.status !== 200) throw submitError(reply);
      const submitted = submittedSchema.safeParse(parseJson(reply.body)).data;
      if (submitted === undefined)
        throw new ProviderError('UNAVAILABLE', "ComfyUI's answer to POST /prompt cannot be read.");
      if (submitted.prompt_id !== promptId) {
        await cancelPrompt(client, submitted.prompt_id, options);
        throw new SluiceError('CONFIG_INVALID', `ComfyUI at ${base.host} is too old: it gives prompts ids of its own.`);
      }
      if (Object.keys(submitted.node_errors).length > 0) {
        await cancelPrompt(client, promptId, options);
        throw nodeErrorsError(submitted.node_errors);
      }
      return { number: submitted.number };
    },

    /** Looks in the queue first and then in history: the other order misses prompts that end in between. */
    async look(promptId: string, options: CallOptions = {}): Promise<ComfyLook> {
      return lookInQueue(await client.queue(options), promptId) ?? (await client.lookBack(promptId, options));
    },

    /** What history alone says; of a prompt that is still in the queue: `unknown`. */
    async lookBack(promptId: string, options: CallOptions = {}): Promise<ComfyLook> {
      return lookInHistory(await callFor(historySchema, `/history/${promptId}`, options), promptId);
    },

    /** The bytes of a file; null when the server no longer has it. */
    async view(file: ComfyFile, options: CallOptions = {}): Promise<{ mimeType: string; data: Buffer } | null> {
      const { filename, subfolder, type } = file;
      const query = new URLSearchParams({ filename, subfolder, type });
      const reply = await call(`/view?${query.toString()}`, { timeoutMs: transferTimeoutMs }, options);
      if (reply.status === 404) return null;
      if (reply.status !== 200) throw replyError(reply, 'GET /view');
      return { mimeType: reply.contentType, data: reply.body };
    },

    /** Uploads a source image; the answer is what `LoadImage` calls it, which may be another name. */
    async upload(
      file: { name: string; mimeType: string; data: Uint8Array },
      options: CallOptions = {},
    ): Promise<string> {
      const body = new FormData();
      body.set('image', new Blob([new Uint8Array(file.data)], { type: file.mimeType }), file.name);
      body.set('type', 'input');
      const request: Partial<HttpRequest> = { method: 'POST', body, timeoutMs: transferTimeoutMs };
      const { name, subfolder } = await callFor(uploadedSchema, '/upload/image', options, request);
      return subfolder === '' ? name : `${subfolder}/${name}`;
    },

    /** Cancels this prompt and no other, and waits a while for it to stop. See {@link cancelPrompt}. */
    cancel: (promptId: string, options: CallOptions = {}): Promise<ComfyLook> =>
      cancelPrompt(client, promptId, options),

    /** Takes one waiting prompt with this id out of the queue; a running one stays. */
    deletePending: (promptId: string, options: CallOptions = {}) => change('/queue', { delete: [promptId] }, options),

    /**
     * Asks for the prompt to stop if it runs. Servers before 0.3.56 stop whatever runs: make sure it is ours.
     */
    interrupt: (promptId: string, options: CallOptions = {}) => change('/interrupt', { prompt_id: promptId }, options),

    /** The newer servers' own cancel; null where there is none. */
    async cancelJob(promptId: string, options: CallOptions = {}): Promise<boolean | null> {
      if (!hasJobs) return null;
      // Only under /api, whatever the rest is under.
      const url = urlOf(`/jobs/${promptId}/cancel`, '/api');
      const reply = await send(url, withDefaults({ method: 'POST', body: {} }, options), dispatcher);
      const answer = reply.status === 200 ? cancelledSchema.safeParse(parseJson(reply.body)).data : undefined;
      if (answer === undefined) hasJobs = false;
      return answer?.cancelled ?? null;
    },

    /** Between two prompts: unloads models, or (`cache`) also forgets results, so that a graph runs again. */
    free: ({ cache }: { cache: boolean }, options: CallOptions = {}) =>
      change('/free', cache ? { unload_models: true, free_memory: true } : { unload_models: true }, options),

    /** What an input of a class can be set to, e.g. the checkpoints that are installed; empty if it has no list. */
    async choices(classType: string, input: string, options: CallOptions = {}): Promise<string[]> {
      const info = await callFor(objectInfoSchema, `/object_info/${encodeURIComponent(classType)}`, options);
      return choicesSchema.safeParse(info[classType]?.input.required[input]).data ?? [];
    },

    /**
     * Tells what the server's WebSocket says of a prompt, as long as the connection holds; it comes back by
     * itself, but nothing is repeated. Polling is the truth, this is for progress.
     *
     * @returns ends the listening.
     */
    watch: (promptId: string, listener: (event: ComfyProgressEvent) => void): (() => void) =>
      socket.watch(promptId, listener),

    /** Closes the WebSocket, if one is open. */
    close(): void {
      socket.close();
    },
  };
  return client;
}
