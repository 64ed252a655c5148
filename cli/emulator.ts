import { Option, type Command } from 'commander';
import { exitStatus } from './exit-status.ts';
import { notice, print } from './output.ts';
import { numberFrom, wholeNumber } from './parse-number.ts';

interface EmulatorFlags {
  port: number;
  latencyMs: number;
  seed: number;
  faults?: string;
  rpm?: number;
  tpm?: number;
  log?: string;
  quiet?: boolean;
}

interface ComfyFlags {
  port: number;
  vramGb: number;
  timeScale: number;
  loadSeconds: number;
  gpu: string;
  profile: 'old' | 'new';
  seed: number;
  faults?: string;
  directory?: string;
  log?: string;
  quiet?: boolean;
}

interface AllFlags {
  port: number;
  comfyuiPort: number;
  quiet?: boolean;
}

/** Registers `sluice emulator`. */
export function addEmulator(program: Command): void {
  const emulator = program
    .command('emulator')
    .description('run an emulated provider on its own')
    .addHelpText('after', '\nExample:\n  sluice emulator gemini --port 8089');
  addComfyUi(emulator);
  addText(emulator);
  addAll(emulator);
  emulator
    .command('gemini')
    .description('Gemini’s models of images, text and video over HTTP on the loopback interface')
    .option('--port <n>', 'port, 0 for any free one', wholeNumber(0, 65_535), 0)
    .option('--latency-ms <n>', 'time a call takes', numberFrom(0), 400)
    .option('--seed <n>', 'seed of faults', wholeNumber(0, 2_147_483_647), 0)
    .option('--faults <faults>', 'file, JSON, or e.g. text_only=0.1,unavailable=0.03')
    .option('--rpm <n>', 'requests a rolling minute let through for each model', wholeNumber(1, 1e9))
    .option('--tpm <n>', 'tokens a rolling minute after which a model refuses calls', wholeNumber(1, 1e9))
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
        tpm: flags.tpm ?? null,
        ...(flags.faults === undefined ? {} : { faults: parseFaults(flags.faults) }),
        ...(flags.log === undefined ? {} : { callLog: flags.log }),
      });
      if (flags.quiet !== true) {
        print(emulator.url);
        notice(`Emulated Gemini. Use it with: GEMINI_API_KEY=any GEMINI_BASE_URL=${emulator.url} sluice batch run …`);
      }
      closeOnSignal(emulator);
    });
}

function closeOnSignal(server: { close: () => Promise<unknown> }): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void server.close());
}

/** What an engine runs: every emulator in one process. */
function addAll(emulator: Command): void {
  emulator
    .command('all', { hidden: true })
    .description('all vendors and ComfyUI in one process, as an engine runs them')
    .requiredOption('--port <n>', 'port of the vendors', wholeNumber(0, 65_535))
    .requiredOption('--comfyui-port <n>', 'port of ComfyUI', wholeNumber(0, 65_535))
    .option('--quiet', 'say nothing')
    .action(async (flags: AllFlags) => {
      try {
        const { urls, close } = await startAll(flags);
        if (flags.quiet !== true) urls.forEach(print);
        closeOnSignal({ close });
        process.send?.('ready');
      } catch (error) {
        // An engine quotes the line of its log that says "error: ".
        notice(`error: ${error instanceof Error ? error.message : String(error)}`);
        process.exitCode = exitStatus.error;
      }
    });
}

/** Both or none. */
async function startAll({ port, comfyuiPort }: AllFlags): Promise<{ urls: string[]; close: () => Promise<unknown> }> {
  const [{ startComfyEmulator }, { startCloudEmulator }] = await Promise.all([
    import('../emulators/comfyui/server.ts'),
    import('../emulators/cloud.ts'),
  ]);
  const comfyui = await startComfyEmulator({ port: comfyuiPort, timeScale: 0.1, vramGb: 48 });
  try {
    const cloud = await startCloudEmulator({ port });
    return { urls: [cloud.url, comfyui.url], close: () => Promise.all([cloud.close(), comfyui.close()]) };
  } catch (error) {
    await comfyui.close();
    throw error;
  }
}

function addComfyUi(emulator: Command): void {
  emulator
    .command('comfyui')
    .description('a ComfyUI server with one virtual GPU, over HTTP and WebSocket on the loopback interface')
    .option('--port <n>', 'port, 0 for any free one', wholeNumber(0, 65_535), 0)
    .option('--vram-gb <n>', 'memory of the GPU', numberFrom(1), 24)
    .option('--time-scale <x>', '1 for real time, 0.1 for a tenth of it', numberFrom(0), 1)
    .option('--load-seconds <n>', 'time a checkpoint takes to load, before scaling', numberFrom(0), 8)
    .option('--gpu <name>', 'what the GPU is called in the log', 'gpu0')
    .addOption(
      new Option('--profile <profile>', 'habits of server 0.3.64 (old) or 0.30 (new)')
        .choices(['old', 'new'])
        .default('new'),
    )
    .option('--seed <n>', 'seed of faults', wholeNumber(0, 2_147_483_647), 0)
    .option('--faults <faults>', 'file, JSON, or e.g. cut=0.05,oom=0.02,slow_ms=500')
    .option('--directory <dir>', 'keep output/, input/ and temp/ here')
    .option('--log <file>', 'append what the GPU does to this file, one JSON object a line')
    .option('--quiet', 'say nothing')
    .addHelpText('after', '\nExample:\n  sluice emulator comfyui --port 8188 --vram-gb 48 --time-scale 0.1')
    .action(async ({ log, faults, quiet, ...flags }: ComfyFlags) => {
      const [{ startComfyEmulator }, { parseComfyFaults }] = await Promise.all([
        import('../emulators/comfyui/server.ts'),
        import('../emulators/comfyui/faults.ts'),
      ]);
      const started = await startComfyEmulator({
        ...flags,
        ...(faults === undefined ? {} : { faults: parseComfyFaults(faults) }),
        ...(log === undefined ? {} : { gpuLog: log }),
      });
      if (quiet !== true) {
        print(started.url);
        notice(`Emulated ComfyUI with a GPU of ${String(flags.vramGb)} GB.`);
      }
      closeOnSignal(started);
    });
}

function addText(emulator: Command): void {
  emulator
    .command('text')
    .description('language models over HTTP on the loopback interface, as OpenAI and Anthropic serve them')
    .option('--port <n>', 'port, 0 for any free one', wholeNumber(0, 65_535), 0)
    .option('--latency-ms <n>', 'time a call takes', numberFrom(0), 400)
    .option('--seed <n>', 'seed of faults', wholeNumber(0, 2_147_483_647), 0)
    .option('--faults <faults>', 'file, JSON, or e.g. rate_limited=0.05,empty=0.01')
    .option('--rpm <n>', 'requests a rolling minute let through for each model', wholeNumber(1, 1e9))
    .option('--tpm <n>', 'tokens a rolling minute after which a model refuses calls', wholeNumber(1, 1e9))
    .option('--log <file>', 'append every call to this file, one JSON object a line')
    .option('--quiet', 'say nothing')
    .addHelpText('after', '\nExample:\n  sluice emulator text --port 8090 --latency-ms 1000 --faults overloaded=0.02')
    .action(async ({ faults, quiet, log, ...flags }: EmulatorFlags) => {
      const [{ startTextEmulator }, { parseTextFaults }] = await Promise.all([
        import('../emulators/text/server.ts'),
        import('../emulators/text/faults.ts'),
      ]);
      const started = await startTextEmulator({
        ...flags,
        ...(faults === undefined ? {} : { faults: parseTextFaults(faults) }),
        ...(log === undefined ? {} : { callLog: log }),
      });
      if (quiet !== true) {
        print(started.url);
        notice('Emulated language models: /v1/chat/completions (OpenAI) and /v1/messages (Anthropic).');
      }
      closeOnSignal(started);
    });
}
