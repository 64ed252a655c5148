import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageRoot } from '../client/engine/package-root.ts';
import { benchApi } from './api.ts';
import { benchEngineCost } from './engine-cost.ts';
import { benchFaultMix } from './fault-mix.ts';
import { benchFlows } from './flows/flows.ts';
import { benchGpus } from './gpu/gpus.ts';
import { benchProviderBound } from './provider-bound.ts';
import { benchRateLimit } from './rate-limit.ts';
import { Results, describeMachine } from './result.ts';
import { benchScale } from './scale.ts';
import { benchStaging } from './staging.ts';

/**
 * `node bench/main.ts [a b c d e f flows gpu api] [--items N]`: JSON lines as figures come in, then a table. A target
 * that is missed is said, not an error: machines differ. `f`, `flows`, `gpu` and `api` run only when they are asked for.
 */
const benches: Record<string, (results: Results, items?: number) => Promise<void>> = {
  a: benchProviderBound,
  b: benchRateLimit,
  c: benchEngineCost,
  d: benchScale,
  e: benchFaultMix,
  f: benchStaging,
  flows: benchFlows,
  gpu: benchGpus,
  api: benchApi,
};

const { values, positionals } = parseArgs({ allowPositionals: true, options: { items: { type: 'string' } } });
const chosen = positionals.length === 0 ? ['a', 'b', 'c', 'd', 'e'] : positionals;
const unknown = chosen.filter((name) => !Object.hasOwn(benches, name));
if (unknown.length > 0) {
  process.stderr.write(`There is no bench ${unknown.join(', ')}; there are: ${Object.keys(benches).join(', ')}\n`);
  process.exit(2);
}

// The workers run the workflow bundle of the build.
execFileSync(join(packageRoot, 'sluice'), { env: { ...process.env, SLUICE_PREPARE: 'build' }, stdio: 'inherit' });
// An engine of its own, whatever the user works with.
const foreign = ['TEMPORAL_ADDRESS', 'TEMPORAL_NAMESPACE', 'SLUICE_HOME', 'SLUICE_GPUS'];
for (const name of foreign) Reflect.deleteProperty(process.env, name);

const results = new Results();
const items = values.items === undefined ? undefined : Number(values.items);
for (const name of chosen) await benches[name]?.(results, items);
process.stdout.write(`\n${describeMachine()}\n\n${results.table()}`);
