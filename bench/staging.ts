import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pathToFileURL } from 'node:url';
import { loadModels } from '../client/models.ts';
import { stageInput } from '../client/input/stage-input.ts';
import { resolveBatch } from '../client/batch-flow.ts';
import { openStore } from '../storage/open-store.ts';
import { ProcessMeter } from './process-meter.ts';
import type { Results } from './result.ts';

/** (f) How fast, and in how much memory, is a very long CSV staged? Runs in this process. */
export async function benchStaging(results: Results, rows = 1_000_000): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  try {
    const path = join(home, 'rows.csv');
    await pipeline(Readable.from(csvLines(rows)), createWriteStream(path));
    const meter = new ProcessMeter(process.pid);
    const models = await loadModels(home);
    const store = openStore(pathToFileURL(join(home, 'out')).href);
    meter.resetPeak();
    const residentMiB = meter.residentMiB();
    const startedAt = performance.now();
    const batch = await resolveBatch({}, { home, models });
    const staged = await stageInput({ source: { path }, store, models, ...batch, rejected: null });
    const seconds = (performance.now() - startedAt) / 1_000;
    results.add('f', 'rows staged', staged.total, `of ${rows}`, { atLeast: rows });
    results.add('f', 'rows/s', staged.total / seconds, '');
    results.add('f', 'memory before', residentMiB, 'MiB');
    results.add('f', 'memory, peak', meter.peakMiB(), 'MiB');
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

function* csvLines(rows: number): Generator<string> {
  yield 'id,prompt,quality,aspect_ratio\n';
  for (let n = 0; n < rows; n += 1) yield `row-${n},"A lighthouse of glass, number ${n}, at dawn",standard,16:9\n`;
}
