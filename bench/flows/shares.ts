import { setTimeout as delay } from 'node:timers/promises';
import { readCallLog } from '../../emulators/shared/call-log.ts';
import type { Results } from '../result.ts';
import { untilClosed, withRig } from '../rig.ts';
import { concurrency, latencyMs, submitChapters, writers } from './chapters.ts';

const rpm = 600;
const early = 10_000;
const late = 300;

/**
 * One project has a batch of 10,000 chapters under way when another comes with 300, for the same model of 600
 * requests a minute. Which share of the calls does the second get while both have calls waiting: from its first
 * call on, until fewer are left of it than its batch has at once?
 */
export async function benchShares(results: Results): Promise<void> {
  const [model] = writers;
  await withRig({ emulator: { latencyMs, rpm }, limits: { [model]: { requests_per_minute: rpm } } }, async (rig) => {
    const first = await submitChapters(rig, 'early', early, { model, project: 'early' });
    while (readCallLog(rig.callLog()).length < 2 * concurrency) await delay(200);
    const second = await submitChapters(rig, 'late', late, { model, project: 'late' });
    await untilClosed(rig.sluice, second.batchId);
    await rig.sluice.cancel(first.batchId);
    const ofLate = readCallLog(rig.callLog()).map(({ prompt }) => prompt?.includes('late ') === true);
    const from = ofLate.indexOf(true);
    const places = ofLate.flatMap((is, place) => (is ? [place] : []));
    const both = ofLate.slice(from, places.at(-concurrency));
    const share = both.filter(Boolean).length / both.length;
    results.add('flows', 'two projects: calls while both waited', both.length, '');
    results.add('flows', 'two projects: share of the later one, by even', share / 0.5, '', {
      atLeast: 0.95,
      atMost: 1.05,
    });
  });
}
