/** Sees to it that there is a browser for the tests: one that is there, or Debian's, where that can be installed. */
import { execFileSync } from 'node:child_process';
import { findChromium } from './browser.ts';

if (findChromium() === null) install();
const found = findChromium();
if (found === null) throw new Error('There is no Chromium. Install it, or set CHROMIUM_PATH to one.');
console.log(found);

function install(): void {
  const apt = (...args: string[]): void => {
    execFileSync('apt-get', args, { stdio: 'inherit', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
  };
  try {
    apt('update');
    apt('install', '--yes', '--no-install-recommends', 'chromium');
  } catch (error) {
    console.error(`Chromium could not be installed: ${error instanceof Error ? error.message : String(error)}`);
  }
}
