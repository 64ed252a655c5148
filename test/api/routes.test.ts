import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { controllers } from '../../api/api-module.ts';
import { createApp } from '../../api/create-app.ts';
import { endpointsOf } from '../../api/docs/document.ts';
import { EngineLink } from '../../api/engine-link.ts';
import { apiSettingsFrom } from '../../client/api-settings.ts';

let home: string;
let app: Awaited<ReturnType<typeof createApp>>;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'sluice-routes-'));
  const engine = new EngineLink(home);
  app = await createApp({ home, settings: apiSettingsFrom({}), engine, log: pino({ enabled: false }), version: '0' });
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
});
afterAll(async () => {
  await app.close();
  rmSync(home, { recursive: true });
});

test('every route of every controller says which role it asks for', () => {
  for (const controller of controllers) {
    const prototype = controller.prototype as Record<string, unknown>;
    const routes = Object.getOwnPropertyNames(prototype).filter(
      (name) => name !== 'constructor' && Reflect.hasMetadata('path', prototype[name] as object),
    );
    const said = endpointsOf([controller]).map(({ role }) => role);
    expect(said, controller.name).toHaveLength(routes.length);
    for (const role of said) expect(['public', 'read', 'run', 'admin']).toContain(role);
  }
});

test('the server has no route but those that are declared, and the files of the reference page and the dashboard', () => {
  const instance = app.getHttpAdapter().getInstance();
  for (const { method, path } of endpointsOf(controllers)) {
    expect(instance.hasRoute({ method, url: `/api/${path}` }), `${method} ${path}`).toBe(true);
  }
  const lines = instance.printRoutes({ commonPrefix: false }).split('\n');
  const served = lines.filter((line) => /\((?:.*, )?(?:GET|POST|PATCH|DELETE|PUT)/.test(line)).length;
  const paths = new Set(endpointsOf(controllers).map(({ path }) => path));
  // Of the reference page its files, of the dashboard its page under every other address; its files are printed with it.
  expect(served).toBe(paths.size + 2);
});

test('only what tells nothing of batches is public', () => {
  const open = endpointsOf(controllers).filter(({ role }) => role === 'public');
  expect(open.map(({ method, path }) => `${method} ${path}`).sort()).toEqual([
    'DELETE session',
    'GET docs',
    'GET docs/start.js',
    'GET health/live',
    'GET health/ready',
    'GET openapi.json',
    'GET session',
    'POST session',
  ]);
});

test('what changes something asks for more than reading', () => {
  for (const { method, path, role } of endpointsOf(controllers)) {
    if (method !== 'GET' && role !== 'public') expect(['run', 'admin'], `${method} ${path}`).toContain(role);
  }
});
