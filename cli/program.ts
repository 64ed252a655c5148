import { Command, CommanderError } from 'commander';
import { SluiceError } from '../domain/errors.ts';
import { addControl } from './batch/control.ts';
import { addInspection } from './batch/inspect.ts';
import { addReview } from './batch/review.ts';
import { addCreate, addRun } from './batch/run.ts';
import { addCache } from './cache.ts';
import { addCancel } from './cancel.ts';
import { addCompare } from './compare.ts';
import { addComfy } from './comfy.ts';
import { addCosts } from './costs.ts';
import { addEmulator } from './emulator.ts';
import { addEngine } from './engine.ts';
import { addFlow } from './flow.ts';
import { exitStatus, exitStatusOfError } from './exit-status.ts';
import { addGenerate } from './generate.ts';
import { addSchedule } from './schedule.ts';
import { addLoraDataset } from './lora-dataset.ts';
import { addInbox } from './inbox.ts';
import { describeError, notice, printJsonError } from './output.ts';
import { addWebhook } from './webhook.ts';
import { addStatus } from './status.ts';
import { addToken } from './token.ts';
import { version } from '../client/version.ts';

const statuses =
  'Exit status: 0 all succeeded, 2 bad usage or input, 3 finished with failures, 4 paused or waiting for people, 5 cancelled, 1 anything else.';
const environment = [
  'Environment:',
  '  GEMINI_API_KEY, OPENAI_API_KEY, ANTHROPIC_API_KEY',
  '                    keys; a batch that needs none of those set comes from the built-in emulators',
  '  GEMINI_BASE_URL, OPENAI_BASE_URL, ANTHROPIC_BASE_URL',
  '                    addresses to use instead of the vendors’ own',
  '  SLUICE_HOME       state of the engine (~/.sluice)',
  '  TEMPORAL_ADDRESS  Temporal server to use instead of starting one',
  '  SLUICE_DEBUG      set to 1 for stack traces',
].join('\n');

/**
 * The command line: parses the arguments, runs the command, sets the exit status. What a command needs
 * is loaded when it runs, so that `--help` does not wait for Temporal's client.
 */
export async function main(): Promise<void> {
  outlivePipes();
  try {
    await createProgram().parseAsync();
  } catch (error) {
    report(error);
  }
}

function createProgram(): Command {
  const program = new Command('sluice')
    .description('Thousands of generations as durable batches on Temporal.')
    .version(version())
    .addHelpText(
      'after',
      `\nExample:\n  sluice batch run examples/prompts.csv -o out\n\n${statuses}\n\n${environment}`,
    );

  const batch = program
    .command('batch')
    .description('run batches and look after them')
    .addHelpText('after', `\nExample:\n  sluice batch run examples/prompts.csv -o out\n\n${statuses}`);
  addRun(batch);
  addCreate(batch);
  addInspection(batch);
  addControl(batch);
  addReview(batch);
  addLoraDataset(batch);
  addGenerate(program);
  addCompare(program);
  addStatus(program);
  addCancel(program);
  addSchedule(program);
  addInbox(program);
  addCache(program);
  addCosts(program);
  addWebhook(program);
  addEngine(program);
  addFlow(program);
  addEmulator(program);
  addComfy(program);
  addToken(program);
  return throwing(program);
}

/** Subcommands take this over only from a parent that had it before they were added. */
function throwing(command: Command): Command {
  command.exitOverride().showHelpAfterError('(see --help)');
  command.commands.forEach(throwing);
  return command;
}

function report(error: unknown): void {
  const json = process.argv.includes('--json');
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? exitStatus.succeeded : exitStatus.usage;
    // Commander has told the person already.
    if (error.exitCode !== 0 && json) {
      printJsonError(new SluiceError('USAGE', error.message.replace(/^error: /, '')));
    }
    return;
  }
  notice(describeError(error));
  if (json) printJsonError(error);
  process.exitCode = error instanceof SluiceError ? exitStatusOfError(error.code) : exitStatus.error;
}

/** A reader that has seen enough (`| head`) is no error. */
function outlivePipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      if (stream === process.stdout) process.exit();
    });
  }
}
