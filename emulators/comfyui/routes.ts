import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { nodeClasses, objectInfo } from './catalog.ts';
import type { FileFolders } from './files.ts';
import { empty, json, plain, type Reply } from './http.ts';
import { jobs } from './jobs.ts';
import type { ComfyMachine } from './machine.ts';
import type { EmulatorOptions } from './options.ts';
import { toTuple } from './prompt-queue.ts';
import { submitPrompt } from './submit.ts';
import { uploadImage, viewFile } from './view.ts';

const changeSchema = z.looseObject({
  clear: z.boolean().default(false),
  delete: z.array(z.string()).default([]),
  prompt_id: z.string().nullish(),
  unload_models: z.boolean().optional(),
  free_memory: z.boolean().optional(),
});

const versions = { old: '0.3.64', new: '0.30.0' } as const;
const memoryBytes = 64 * 1024 ** 3;

/** Answers ComfyUI's routes; paths come without `/api`. */
export function answer(
  settings: EmulatorOptions,
  machine: ComfyMachine,
  files: FileFolders,
  request: IncomingMessage,
  path: string,
  query: URLSearchParams,
  body: Buffer,
): Reply {
  const method = request.method === 'HEAD' ? 'GET' : (request.method ?? 'GET');
  const id = decodeURIComponent(/^\/(?:history|object_info)\/(.+)$/.exec(path)?.[1] ?? '');
  const change = () => changeSchema.safeParse(parse(body)).data ?? changeSchema.parse({});
  switch (`${method} ${id === '' ? path : path.replace(/\/[^/]+$/, '/*')}`) {
    case 'POST /prompt':
      return submitPrompt(machine, body.toString('utf8'), settings.profile);
    case 'GET /prompt':
      return json(machine.status());
    case 'GET /queue': {
      const { running, pending } = machine.queue;
      return json({ queue_running: running === null ? [] : [toTuple(running)], queue_pending: pending.map(toTuple) });
    }
    case 'POST /queue': {
      const { clear, delete: ids } = change();
      if (clear) machine.queue.clear();
      for (const one of ids) machine.queue.delete(one);
      machine.tellStatus();
      return empty;
    }
    case 'POST /interrupt':
      // A body that cannot be read counts as none: then it hits whatever runs.
      machine.interrupt(change().prompt_id ?? null);
      return empty;
    case 'GET /history':
      return json(machine.history.toJSON());
    case 'GET /history/*':
      return json(machine.history.toJSON(id));
    case 'POST /history': {
      const { clear, delete: ids } = change();
      if (clear) machine.history.clear();
      for (const one of ids) machine.history.delete(one);
      return empty;
    }
    case 'POST /free': {
      const { unload_models: unload, free_memory: cache = false } = change();
      machine.free(unload ?? cache, cache);
      return empty;
    }
    case 'GET /system_stats':
      return json(systemStats(settings, machine));
    case 'GET /object_info': {
      const installed = machine.installed();
      const all = Object.entries(nodeClasses).map(([name, node]) => [name, node && objectInfo(name, node, installed)]);
      return json(Object.fromEntries(all));
    }
    case 'GET /object_info/*': {
      const node = nodeClasses[id];
      return json(node === undefined ? {} : { [id]: objectInfo(id, node, machine.installed()) });
    }
    case 'GET /view':
      return viewFile(files, query, request.headers);
    case 'POST /upload/image':
      return uploadImage(files, body, request.headers['content-type'] ?? '');
    default:
      return plain(404, '404: Not Found');
  }
}

/** The routes that only newer servers have, and only under `/api`. */
export function answerApi(
  settings: EmulatorOptions,
  machine: ComfyMachine,
  method: string,
  path: string,
): Reply | undefined {
  return settings.profile === 'new' ? jobs(machine, method, path) : undefined;
}

function systemStats({ profile, deviceName, vramGb }: EmulatorOptions, machine: ComfyMachine): object {
  const { total, free } = machine.gpu.memory();
  return {
    system: {
      os: 'posix',
      ram_total: memoryBytes,
      ram_free: memoryBytes / 2,
      comfyui_version: versions[profile],
      python_version: '3.12.3',
      pytorch_version: '2.8.0+cu128',
      embedded_python: false,
      argv: ['main.py', `--emulated-vram-gb=${vramGb}`],
    },
    devices: [
      {
        name: deviceName,
        type: 'cuda',
        index: 0,
        vram_total: total,
        vram_free: free,
        torch_vram_total: total - free,
        torch_vram_free: 0,
      },
    ],
  };
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
