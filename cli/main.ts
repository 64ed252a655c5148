#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { SluiceError } from '../domain/errors.ts';
import { addControl } from './batch/control.ts';
import { addInspection } from './batch/inspect.ts';
import { addCreate, addRun } from './batch/run.ts';
import { addComfy } from './comfy.ts';
import { addEmulator } from './emulator.ts';
import { addEngine } from './engine.ts';
import { exitStatus, exitStatusOfError } from './exit-status.ts';
import { describeError, notice } from './output.ts';
import { version } from './version.ts';

const program = new Command('sluice')
  .description('Thousands of generations as durable batches on Temporal.')
  .version(version)
  .showHelpAfterError('(see --help)')
  .addHelpText(
    'after',
    '\nExample:\n  sluice batch run examples/prompts.csv -o out\n\nExit status: 0 all succeeded, 2 bad usage or input, 3 finished with failures, 4 paused, 5 cancelled, 1 anything else.',
  )
  .exitOverride();

const batch = program.command('batch').description('run batches and look after them');
addRun(batch);
addCreate(batch);
addInspection(batch);
addControl(batch);
addEngine(program);
addEmulator(program);
addComfy(program);

// A reader that has seen enough (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

try {
  await inherit(program).parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? exitStatus.succeeded : exitStatus.usage;
  } else {
    notice(describeError(error));
    process.exitCode = error instanceof SluiceError ? exitStatusOfError(error.code) : exitStatus.error;
  }
}

/** Subcommands do not take over `exitOverride` when they are added before it is set. */
function inherit(command: Command): Command {
  for (const child of command.commands) {
    child.exitOverride().showHelpAfterError('(see --help)');
    inherit(child);
  }
  return command;
}
