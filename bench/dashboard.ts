import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { packageRoot } from '../client/engine/package-root.ts';
import { findChromium, openBrowser } from '../test/web/browser.ts';
import { median, type Results } from './result.ts';

const rounds = 5;

/** How soon the dashboard is seen by a browser that has nothing of it yet, and how large its scripts are. */
export async function benchDashboard(results: Results, url: string, batchId: string): Promise<void> {
  const assets = join(packageRoot, 'dist', 'web', 'assets');
  const scripts = readdirSync(assets).filter((name) => name.endsWith('.js'));
  const bytes = scripts.reduce((sum, name) => sum + gzipSync(readFileSync(join(assets, name))).length, 0);
  results.add('api', 'scripts of the dashboard, compressed', bytes / 1_000, 'kB', { atMost: 200 });
  if (findChromium() === null) {
    process.stderr.write('There is no Chromium, so first paint is not measured.\n');
    return;
  }
  for (const [name, path, shown] of [
    ['the batches', '/', '.batch-card'],
    ['a batch', `/batches/${batchId}`, '.progress-share'],
  ] as const) {
    const looks: Look[] = [];
    for (let round = 0; round < rounds; round += 1) looks.push(await lookAt(`${url}${path}`, shown));
    const paintMs = median(looks.map((look) => look.paintMs));
    results.add('api', `first paint of ${name}`, paintMs / 1_000, 's', { atMost: 1 });
    results.add('api', `${name}, figures and all`, median(looks.map((look) => look.shownMs)) / 1_000, 's');
  }
}

/** Milliseconds since the address was opened. */
interface Look {
  paintMs: number;
  /** Until what the service was asked for is there. */
  shownMs: number;
}

/** @see https://www.w3.org/TR/paint-timing/ first-contentful-paint */
async function lookAt(address: string, shown: string): Promise<Look> {
  const browser = await openBrowser({ viewport: { width: 1280, height: 800 } });
  try {
    const page = await browser.context.newPage();
    await page.goto(address);
    await page.waitForSelector(shown);
    return {
      shownMs: await page.evaluate<number>('performance.now()'),
      paintMs: await page.evaluate<number>(`new Promise((resolve) => {
        const look = () => {
          const [paint] = performance.getEntriesByName('first-contentful-paint');
          if (paint === undefined) requestAnimationFrame(look);
          else resolve(paint.startTime);
        };
        look();
      })`),
    };
  } finally {
    await browser.close();
  }
}
