import { findTemporal } from './find-temporal.ts';

/** Program: gets the Temporal server if there is none yet, and prints its path. */
try {
  const path = await findTemporal(process.env, (line) => process.stderr.write(`${line}\n`));
  process.stdout.write(`${path}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
