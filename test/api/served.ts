import { z } from 'zod';
import { Sandbox } from '../cli/sluice-process.ts';
import { OpenApi } from './openapi.ts';

/** Fields of answers that tests follow; what else there is they compare. */
interface Body {
  batch_id: string;
  next: string | null;
  data: { request_id: string; key: string; name: string; batch_id: string }[];
  [field: string]: unknown;
}

/** An answer of the service. */
export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** Empty where the answer is no JSON. */
  json: Body;
}

/** An engine of its own with its REST service, over real HTTP. */
export class Served {
  readonly sandbox: Sandbox;
  readonly url: string;
  readonly openApi: OpenApi;

  private constructor(sandbox: Sandbox, url: string, openApi: OpenApi) {
    this.sandbox = sandbox;
    this.url = url;
    this.openApi = openApi;
  }

  /** @param env of the engine, which may need to know where the sandbox is */
  static async start(
    env: Record<string, string> | ((sandbox: Sandbox) => Record<string, string>) = {},
  ): Promise<Served> {
    const sandbox = new Sandbox();
    const given = typeof env === 'function' ? env(sandbox) : env;
    const { json, stderr } = await sandbox.json(['up', '--detach', '--json'], { env: given });
    const { apiUrl } = z.object({ apiUrl: z.string() }).parse(json, { error: () => stderr });
    const document: unknown = await (await fetch(`${apiUrl}/api/openapi.json`)).json();
    return new Served(sandbox, apiUrl, new OpenApi(document));
  }

  /**
   * Asks, and holds every answer against the description.
   * @param path below `/api`
   */
  async ask(path: string, init: RequestInit = {}): Promise<Answer> {
    const reply = await fetch(`${this.url}/api${path}`, init);
    const text = await reply.text();
    const type = reply.headers.get('content-type') ?? '';
    const json = (/json(?:;|$)/.test(type) && text !== '' ? JSON.parse(text) : {}) as Body;
    const { status, headers } = reply;
    const method = init.method ?? 'GET';
    const problem = this.openApi.problemOf({ method, path: new URL(reply.url).pathname, status, type, json });
    if (problem !== null) throw new Error(`${method} ${path} (${String(status)}) is not as described: ${problem}`);
    return { status, headers, text, json };
  }

  post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return this.ask(path, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...headers },
    });
  }

  /** Starts a batch of inline items and waits for its end. */
  async run(items: object[], options: object = {}): Promise<string> {
    const { json } = await this.post('/batches', { items, ...options });
    await this.ask(`/batches/${json.batch_id}/events`);
    return json.batch_id;
  }

  dispose(): Promise<void> {
    return this.sandbox.dispose();
  }
}

export interface ServerEvent {
  event: string;
  id: string | undefined;
  data: Record<string, unknown>;
}

/** The events in the text of a stream. */
export function eventsIn(text: string): ServerEvent[] {
  return text
    .split('\n\n')
    .filter((block) => block.includes('event:'))
    .map((block) => {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
      const data = JSON.parse(field('data') ?? '{}') as Record<string, unknown>;
      return { event: field('event') ?? '', id: field('id'), data };
    });
}
