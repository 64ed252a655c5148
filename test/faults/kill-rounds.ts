/**
 * Program: kills worker, server, supervisor and command line at random moments, round after round, and
 * checks that nothing is lost, torn or paid for twice. `npm run chaos -- --rounds 20 --seed 1 --flow chapter`
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { BatchReport } from '../../client/batch-report.ts';
import { randomStream } from '../../emulators/shared/random.ts';
import { auditBatch, CallAccount, type Victim } from './audit.ts';
import { Sandbox, until, type Command } from './sandbox.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    items: { type: 'string', default: '30' },
    /** `image`, or `chapter`: written, judged, written again, exported. */
    flow: { type: 'string', default: 'image' },
  },
});
const items = Number(values.items);
const victims: readonly Victim[] = ['worker', 'server', 'cli', 'supervisor'];

const sandbox = await Sandbox.create({ latencyMs: 600 });
let failed = 0;
try {
  for (let round = 1; round <= Number(values.rounds); round++) {
    const startedAt = Date.now();
    const { problems, story } = await runRound(`s${values.seed}r${String(round)}`, round);
    if (problems.length > 0) failed += 1;
    const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
    console.log(
      `round ${String(round)}: ${problems.length === 0 ? 'ok' : 'FAILED'} in ${seconds} s: ${story.join(', ')}`,
    );
    for (const problem of problems) console.log(`  ${problem}`);
  }
} finally {
  await sandbox.close();
}
console.log(`${values.rounds} rounds, ${String(failed)} failed`);
process.exitCode = failed === 0 ? 0 : 1;

async function runRound(name: string, round: number): Promise<{ problems: string[]; story: string[] }> {
  const random = randomStream('chaos', Number(values.seed), String(round), 0);
  const output = sandbox.path(name);
  const args = ['batch', 'run', ...sandbox.batchOf(values.flow, name, items), '-o', output];
  args.push('--concurrency', '8', '--json');
  args.push('--rate-limit', '300');
  const account = new CallAccount(sandbox, name, output);
  const story: string[] = [];
  let cli: Command = sandbox.start(...args);
  const kills = 1 + Math.floor(random() * 3);
  for (let kill = 0; kill < kills; kill++) {
    const victim = victims[Math.floor(random() * victims.length)] ?? 'worker';
    await untilMoment(name, random);
    if (victim === 'cli') {
      cli.kill('SIGKILL');
      await cli.ended;
    } else if (!(await sandbox.kill(victim))) {
      story.push(`no ${victim} to kill`);
      continue;
    }
    story.push(`${victim} killed with ${String(account.noteKill(victim))} in flight`);
    if (victim === 'cli') cli = sandbox.start(...args);
    // The next command brings back what the supervisor kept running.
    if (victim === 'supervisor') await sandbox.run('up', '--detach');
  }
  const report = await untilClosed(cli, args);
  if (report === null) return { problems: ['the batch did not end'], story };
  return { problems: [...(await auditBatch(output, { name, count: items }, report)), ...account.problems()], story };
}

/** A quarter of the moments lie in the first seconds, when the input is staged; the others between calls. */
async function untilMoment(name: string, random: () => number): Promise<void> {
  if (random() < 0.25) {
    await sleep(random() * 2_500);
    return;
  }
  const seen = sandbox.callsOf(name).length;
  const wanted = seen + 1 + Math.floor(random() * Math.max(1, items - seen) * 0.6);
  await until('more calls', () => sandbox.callsOf(name).length >= wanted, 20_000).catch(() => undefined);
  await sleep(random() * 800);
}

/** Follows with the same command until the batch has closed. */
async function untilClosed(first: Command, args: string[]): Promise<BatchReport | null> {
  let cli = first;
  return until(
    'the batch has closed',
    async () => {
      const { status, stdout, stderr } = await cli.ended;
      if (status === 0 || status === 3) return JSON.parse(stdout) as BatchReport;
      const finished = /holds the finished batch (\S+)\./.exec(stderr)?.[1];
      if (finished !== undefined) {
        return JSON.parse((await sandbox.run('batch', 'status', finished, '--json')).stdout) as BatchReport;
      }
      console.log(`  (command ended with ${String(status)}: ${stderr.trim().split('\n').slice(-2).join(' ')})`);
      cli = sandbox.start(...args);
      return null;
    },
    240_000,
  ).catch((error: unknown) => {
    console.log(`  ${String(error)}`);
    return null;
  });
}
