import type { Command } from 'commander';
import { defaultHome } from '../client/engine/home.ts';
import { notice, print, printJson } from './output.ts';
import { renderEngine } from './render/engine.ts';

/** How often `up` looks whether somebody stopped its engine, milliseconds. */
const lookEveryMs = 1_000;

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
      if (flags.json === true) printJson(sluice.engine);
      else print(renderEngine(sluice.engine));
      await sluice.close();
      if (flags.detach !== true) await serveUntilStopped(sluice.engine.home);
    });

  program
    .command('down')
    .description('stop the engine; running batches go on when it is started again')
    .addHelpText('after', '\nExample:\n  sluice down')
    .action(async () => {
      const { stopEngine } = await import('../client/engine/ensure-engine.ts');
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
      const { doctor } = await import('./doctor.ts');
      await doctor({ json: flags.json === true, install: flags.install === true });
    });
}

/** Returns when Ctrl-C has stopped the engine, or somebody else has. */
async function serveUntilStopped(home: string): Promise<void> {
  const { engineStatus, stopEngine } = await import('../client/engine/ensure-engine.ts');
  notice('Ctrl-C stops the engine; batches go on when it is started again.');
  const interrupted = await new Promise<boolean>((resolve) => {
    const look = setInterval(() => {
      engineStatus(home).then(
        (engine) => {
          if (engine === null) leave(false);
        },
        // One that does not answer is not gone.
        () => undefined,
      );
    }, lookEveryMs);
    const leave = (byHand: boolean): void => {
      clearInterval(look);
      resolve(byHand);
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        leave(true);
      });
    }
  });
  if (interrupted) await stopEngine(home);
  notice(interrupted ? 'The engine is stopped.' : 'The engine was stopped elsewhere.');
}
