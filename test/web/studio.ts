import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { BrowserContextOptions, Page } from 'playwright-core';
import type { BatchReply } from '../../api/batches/schemas.ts';
import { resultRowSchema, type ResultRow } from '../../domain/result.ts';
import { EmulatedGemini, Sandbox } from '../cli/sluice-process.ts';
import { eventually } from '../support/eventually.ts';
import { openBrowser, type TestBrowser } from './browser.ts';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Finding {
  id: string;
  help: string;
  nodes: string[];
}

/** An engine of its own with an emulated Gemini behind it, and a browser in front of its dashboard. */
export class Studio {
  readonly sandbox: Sandbox;
  /** Of the dashboard, without a slash at the end. */
  readonly url: string;
  /** What pages said that they should not say: errors, and what the content security policy refused. */
  readonly complaints: string[] = [];
  readonly #gemini: EmulatedGemini;
  readonly #browser: TestBrowser;

  private constructor(sandbox: Sandbox, url: string, gemini: EmulatedGemini, browser: TestBrowser) {
    this.sandbox = sandbox;
    this.url = url;
    this.#gemini = gemini;
    this.#browser = browser;
  }

  /** @param emulator options of `sluice emulator gemini` */
  static async open(emulator: string[] = [], browser: BrowserContextOptions = {}): Promise<Studio> {
    const sandbox = new Sandbox();
    const gemini = await EmulatedGemini.start(sandbox, 'gemini', ...emulator);
    const { stdout, stderr } = await sandbox.sluice(['up', '--detach'], { env: gemini.env });
    const url = /^API\s+(\S+)\/api$/m.exec(stdout)?.[1];
    if (url === undefined) throw new Error(`The engine did not say where its API is: ${stdout}${stderr}`);
    return new Studio(sandbox, url, gemini, await openBrowser({ viewport: { width: 1280, height: 800 }, ...browser }));
  }

  /** A page of the dashboard, in a tab of its own. */
  async page(path: string): Promise<Page> {
    const page = await this.#browser.context.newPage();
    page.on('console', (message) => {
      if (message.type() === 'error') this.complaints.push(message.text());
    });
    page.on('pageerror', (error) => this.complaints.push(String(error)));
    await page.goto(path.startsWith('/') ? `${this.url}${path}` : path);
    return page;
  }

  /** Starts a batch over REST; `item-1` asks for `prompt(1)`. Returns its id. */
  async start(
    count: number,
    options: Record<string, unknown> = {},
    prompt = (n: number): string => `prompt ${String(n)}`,
  ): Promise<string> {
    const items = Array.from({ length: count }, (_, place) => ({
      id: `item-${String(place + 1)}`,
      prompt: prompt(place + 1),
    }));
    const body = JSON.stringify({ items, rate_limit: null, ...options });
    const created = await this.ask<{ batch_id: string }>('/api/batches', { method: 'POST', body });
    return created.batch_id;
  }

  batch(batchId: string): Promise<BatchReply> {
    return this.ask<BatchReply>(`/api/batches/${batchId}`);
  }

  /** The last result of each item that has ended. */
  async results(batchId: string): Promise<ResultRow[]> {
    const response = await fetch(`${this.url}/api/batches/${batchId}/results`);
    const lines = (await response.text()).trimEnd().split('\n');
    return lines.map((line) => resultRowSchema.parse(JSON.parse(line)));
  }

  /** Waits until a batch is as asked. */
  until(batchId: string, holds: (batch: BatchReply) => boolean): Promise<BatchReply> {
    return eventually(async () => {
      const batch = await this.batch(batchId);
      return holds(batch) && batch;
    });
  }

  /** Prompts of all calls so far. */
  prompts(): string[] {
    return this.#gemini.prompts();
  }

  async ask<T>(path: string, init: RequestInit = {}): Promise<T> {
    const headers = init.body === undefined ? {} : { 'content-type': 'application/json' };
    const response = await fetch(`${this.url}${path}`, { headers, ...init });
    const body = await response.text();
    if (!response.ok) throw new Error(`${path} was answered ${String(response.status)}: ${body}`);
    return JSON.parse(body) as T;
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await this.#gemini.stop();
    await this.sandbox.dispose();
  }
}

/** What axe finds wrong with a page by WCAG 2.2, levels A and AA, and by its own best practices. */
export async function findingsOn(page: Page): Promise<Finding[]> {
  // Evaluated by the browser's debugger, which the page's content security policy does not bind.
  await page.evaluate(axeSource);
  const findings = await page.evaluate(`
    axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
      .then(({ violations }) => violations.map(({ id, help, nodes }) => ({
        id, help, nodes: nodes.map(({ target, failureSummary }) => target.join(' ') + ': ' + failureSummary),
      })))
  `);
  return findings as Finding[];
}

/** Pixels by which a page is wider than its window. */
export async function overflowOf(page: Page): Promise<number> {
  return Number(await page.evaluate('document.documentElement.scrollWidth - window.innerWidth'));
}
