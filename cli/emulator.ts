import type { Command } from 'commander';
import { notice, print } from './output.ts';
import { numberFrom, wholeNumber } from './parse-number.ts';

interface EmulatorFlags {
  port: number;
  latencyMs: number;
  seed: number;
  faults?: string;
  rpm?: number;
  log?: string;
  quiet?: boolean;
}

export function addEmulator(program: Command): void {
  program
    .command('emulator')
    .description('run an emulated provider on its own')
    .addHelpText('after', '\nExample:\n  sluice emulator gemini --port 8089')
    .command('gemini')
    .description('Gemini’s image models over HTTP on the loopback interface')
    .option('--port <n>', 'port, 0 for any free one', wholeNumber(0, 65_535), 0)
    .option('--latency-ms <n>', 'time a call takes', numberFrom(0), 400)
    .option('--seed <n>', 'seed of faults', wholeNumber(0, 2_147_483_647), 0)
    .option('--faults <faults>', 'file, JSON, or e.g. text_only=0.1,unavailable=0.03')
    .option('--rpm <n>', 'requests a rolling minute let through for each model', wholeNumber(1, 1e9))
    .option('--log <file>', 'append every call to this file, one JSON object a line')
    .option('--quiet', 'say nothing')
    .addHelpText(
      'after',
      '\nExample:\n  sluice emulator gemini --port 8089 --latency-ms 2000 --faults text_only=0.1,rate_limited=0.05',
    )
    .action(async (flags: EmulatorFlags) => {
      const [{ startGeminiEmulator }, { parseFaults }] = await Promise.all([
        import('../emulators/gemini/server.ts'),
        import('../emulators/gemini/faults.ts'),
      ]);
      const emulator = await startGeminiEmulator({
        port: flags.port,
        latencyMs: flags.latencyMs,
        seed: flags.seed,
        rpm: flags.rpm ?? null,
        ...(flags.faults === undefined ? {} : { faults: parseFaults(flags.faults) }),
        ...(flags.log === undefined ? {} : { callLog: flags.log }),
      });
      if (flags.quiet !== true) {
        print(emulator.url);
        notice(`Emulated Gemini. Use it with: GEMINI_API_KEY=any GEMINI_BASE_URL=${emulator.url} sluice batch run …`);
      }
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void emulator.close());
    });
}
