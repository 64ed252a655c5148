import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readCallLog } from '../../emulators/shared/call-log.ts';
import type { TextEmulatorOptions } from '../../emulators/text/options.ts';
import { startTextEmulator, type TextEmulator } from '../../emulators/text/server.ts';
import { createOpenAiProvider } from '../../providers/openai/provider.ts';
import type { TestNamespace } from './namespace.ts';

/** A language model of a test, with an emulator behind it. */
export class Writer {
  readonly model: string;
  private readonly space: TestNamespace;
  private emulator: TextEmulator | null = null;
  private starts = 0;

  constructor(space: TestNamespace) {
    this.space = space;
    this.model = space.takeWriter();
  }

  /** Starts the emulator, or puts another one in its place. */
  async emulate(options: TextEmulatorOptions = {}, apiKey = 'a-key-of-no-matter'): Promise<void> {
    const before = this.emulator;
    this.starts += 1;
    this.emulator = await startTextEmulator({ latencyMs: 10, words: 60, callLog: this.callLog, ...options });
    this.space.routeText(this.model, createOpenAiProvider({ apiKey, baseUrl: this.emulator.url }));
    await before?.close();
  }

  /** What it was asked since the emulator was started, in order. */
  get prompts(): string[] {
    return existsSync(this.callLog) ? readCallLog(this.callLog).map(({ prompt }) => prompt ?? '') : [];
  }

  private get callLog(): string {
    return join(this.space.directory, `${this.model}-${String(this.starts)}.jsonl`);
  }

  async close(): Promise<void> {
    await this.emulator?.close();
    this.emulator = null;
  }
}
