import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { SluiceError } from '../../domain/errors.ts';
import { type Credentials } from './credentials.ts';
import { engineReportSchema, type EngineReport } from './engine-status.ts';
import { assertSocketIsOurs, type EnginePaths } from './home.ts';

/** Nobody listens: never started, stopped, killed, or just closing. */
const noEngineCodes = new Set(['ENOENT', 'ENOTDIR', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE']);

interface Reply {
  status: number;
  body: string;
}

/** What the engine of a home says of itself; null if none runs. Throws ENGINE_UNAVAILABLE if it does not answer. */
export async function requestStatus(paths: EnginePaths): Promise<EngineReport | null> {
  const reply = await call(paths, 'GET', '/status', 5_000);
  if (reply === null) return null;
  const report = engineReportSchema.safeParse(parseJson(reply.body));
  if (report.success) return report.data;
  throw new SluiceError('ENGINE_UNAVAILABLE', `The engine of ${paths.home} was started by another version of Sluice.`, {
    action: 'Start it anew with: sluice down, then sluice up --detach',
  });
}

/** Asks the engine to stop; false if none runs. */
export async function requestStop(paths: EnginePaths): Promise<boolean> {
  return (await call(paths, 'POST', '/stop', 5_000)) !== null;
}

/** Gives the engine keys and servers, and waits until the workers use them; false if none runs. */
export async function requestCredentials(paths: EnginePaths, credentials: Credentials): Promise<boolean> {
  const reply = await call(paths, 'POST', '/credentials', 60_000, JSON.stringify(credentials));
  if (reply !== null && reply.status !== 200)
    throw new SluiceError(
      'ENGINE_UNAVAILABLE',
      `The engine of ${paths.home} did not take key and servers: ${reply.body}`,
    );
  return reply !== null;
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    // Not JSON is as foreign as JSON of another shape; the caller says so.
    return null;
  }
}

async function call(
  paths: EnginePaths,
  method: string,
  path: string,
  timeoutMs: number,
  body?: string,
): Promise<Reply | null> {
  assertSocketIsOurs(paths);
  try {
    return await new Promise<Reply>((resolve, reject) => {
      const signal = AbortSignal.timeout(timeoutMs);
      const outgoing = request({ socketPath: paths.socket, method, path, signal, agent: false }, (response) => {
        text(response).then((received) => {
          resolve({ status: response.statusCode ?? 0, body: received });
        }, reject);
      });
      outgoing.once('error', reject);
      outgoing.end(body);
    });
  } catch (error) {
    if (error instanceof Error && 'code' in error && noEngineCodes.has(String(error.code))) return null;
    throw new SluiceError('ENGINE_UNAVAILABLE', `The engine of ${paths.home} does not answer.`, { cause: error });
  }
}
