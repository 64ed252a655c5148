import type { Command } from 'commander';
import { engineStatus, stopEngine } from '../client/engine/ensure-engine.ts';
import type { EngineStatus } from '../client/engine/engine-status.ts';
import { findTemporal } from '../client/engine/find-temporal.ts';
import { defaultHome } from '../client/engine/home.ts';
import { loadModels } from '../client/models.ts';
import { readConfig } from './connect.ts';
import { exitStatus } from './exit-status.ts';
import { describeError, notice, print, printJson } from './output.ts';

export function addEngine(program: Command): void {
  program
    .command('up')
    .description('start the engine: Temporal server, workers and emulator')
    .option('--detach', 'return once it is ready; stop it with: sluice down')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  sluice up --detach')
    .action(async (flags: { detach?: boolean; json?: boolean }) => {
      const { Sluice } = await import('../client/sluice.ts');
      const sluice = await Sluice.connect({ notice });
      showEngine(sluice.engine, flags.json === true);
      await sluice.close();
      if (flags.detach === true) return;
      notice('Ctrl-C stops the engine; batches go on when it is started again.');
      await new Promise<void>((resolve) => {
        const keepAlive = setInterval(() => undefined, 60_000);
        for (const signal of ['SIGINT', 'SIGTERM'] as const) {
          process.on(signal, () => {
            clearInterval(keepAlive);
            resolve();
          });
        }
      });
      await stopEngine(sluice.engine.home);
    });

  program
    .command('down')
    .description('stop the engine; running batches go on when it is started again')
    .addHelpText('after', '\nExample:\n  sluice down')
    .action(async () => {
      const stopped = await stopEngine(defaultHome(process.env));
      print(stopped ? 'The engine is stopped.' : 'No engine was running.');
    });

  program
    .command('doctor')
    .description('check the installation and show what runs where')
    .option('--json', 'print one JSON object')
    .option('--install', 'bring the Temporal server if it is missing (may take minutes)')
    .addHelpText('after', '\nExample:\n  sluice doctor')
    .action(async (flags: { json?: boolean; install?: boolean }) => {
      await doctor(flags.json === true, flags.install === true);
    });
}

async function doctor(json: boolean, install: boolean): Promise<void> {
  const home = defaultHome(process.env);
  const checks: { name: string; ok: boolean; detail: string }[] = [];
  const check = async (name: string, look: () => Promise<string> | string): Promise<void> => {
    try {
      checks.push({ name, ok: true, detail: await look() });
    } catch (error) {
      checks.push({ name, ok: false, detail: describeError(error) });
    }
  };
  await check('node', () => process.version);
  await check('configuration', () => readConfig().files.join(', ') || 'none (defaults)');
  await check('models', async () => Object.keys((await loadModels(home)).models).join(', '));
  if (install) await check('temporal', () => findTemporal(process.env, notice));
  const engine = await engineStatus(home);
  if (json) {
    printJson({ home, checks, engine });
  } else {
    print(`home           ${home}`);
    for (const { name, ok, detail } of checks) print(`${name.padEnd(14)} ${ok ? 'ok  ' : 'BAD '} ${detail}`);
    if (engine === null) print('engine         not running (start it with: sluice up --detach)');
    else showEngine(engine, false);
  }
  if (checks.some(({ ok }) => !ok)) process.exitCode = exitStatus.error;
}

function showEngine(engine: EngineStatus, json: boolean): void {
  if (json) {
    printJson(engine);
    return;
  }
  print(`engine         ${engine.state}, pid ${String(engine.pid)}${engine.stale ? ', started by another build: restart it with sluice down' : ''}`);
  print(`temporal       ${engine.address} (namespace ${engine.namespace})`);
  if (engine.uiUrl !== null) print(`web UI         ${engine.uiUrl}`);
  print(`gemini         ${engine.gemini === 'live' ? 'live' : `emulated at ${engine.emulatorUrl}`}`);
  for (const { name, pid, state, restarts } of engine.processes) {
    print(`${name.padEnd(14)} ${state}, pid ${String(pid ?? '-')}${restarts > 0 ? `, restarted ${String(restarts)} times` : ''}`);
  }
  print(`logs           ${engine.logs.engine}`);
}

