import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { devServerArgs, loadDevServerConfig } from '../../client/engine/dev-server-config.ts';
import { findTemporal } from '../../client/engine/find-temporal.ts';
import { packageRoot } from '../../client/engine/package-root.ts';
import { findPort } from '../../client/engine/ports.ts';
import { temporalAnswers } from '../../client/engine/temporal-setup.ts';
import { bundleWorkflows } from '../../workers/bundle-workflows.ts';
import { eventually } from './eventually.ts';

declare module 'vitest' {
  interface ProvidedContext {
    temporalAddress: string;
    /** Made from the sources when the tests start, so that none of them runs an older build. */
    workflowBundlePath: string;
  }
}

/** One Temporal server, in memory, and one workflow bundle for all test files; each file has its own namespace. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { address, workflowBundlePath, stop } = await startTemporal();
  project.provide('temporalAddress', address);
  project.provide('workflowBundlePath', workflowBundlePath);
  return stop;
}

/** Starts the server and bundles the workflows. */
export async function startTemporal(): Promise<{
  address: string;
  workflowBundlePath: string;
  stop: () => Promise<void>;
}> {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-temporal-'));
  const workflowBundlePath = join(directory, 'workflow-bundle.js');
  const server = await startServer();
  try {
    writeFileSync(workflowBundlePath, await bundleWorkflows());
    await eventually(() => temporalAnswers(server.address, 'default', 1_000));
  } catch (error) {
    await stop();
    throw error;
  }
  return { address: server.address, workflowBundlePath, stop };

  async function stop(): Promise<void> {
    if (server.process.exitCode === null) {
      const exited = once(server.process, 'exit');
      server.process.kill('SIGKILL');
      await exited;
    }
    rmSync(directory, { recursive: true, force: true });
  }
}

async function startServer(): Promise<{ address: string; process: ChildProcess }> {
  const config = loadDevServerConfig(join(packageRoot, 'temporal-dev.yaml'));
  const binary = await findTemporal(process.env, console.warn);
  const server = await findPort(config.ip, 0);
  const ui = await findPort(config.ip, 0, [server]);
  const args = devServerArgs(
    { ...config, sqlite: {}, log_level: 'never', dynamic_config: { ...config.dynamic_config, ...namespaceRefresh } },
    { databaseFile: '', ports: { server, ui } },
  );
  const child = spawn(binary, [...args, '--headless'], { stdio: 'ignore', env: { ...process.env, ...config.env } });
  return { address: `${config.ip}:${String(server)}`, process: child };
}

/** A namespace can be used once the server has looked for new ones. */
const namespaceRefresh = { 'system.namespaceCacheRefreshInterval': '200ms' };
