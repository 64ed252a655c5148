import { defaultHome } from './home.ts';
import { runEngine } from './run-engine.ts';

/** Program: `node supervisor.js` runs the engine of `SLUICE_HOME`; its output is the engine's log. */
process.stderr.on('error', () => {
  // The log cannot be written (a full disk): the engine goes on without it.
});
process.exitCode = await runEngine({
  home: defaultHome(process.env),
  env: process.env,
  log: (line) => process.stderr.write(`${new Date().toISOString()} ${line}\n`),
});
process.exit();
