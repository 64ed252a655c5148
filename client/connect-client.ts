import { Client, Connection, type WorkflowClientInterceptor } from '@temporalio/client';
import { SluiceError } from '../domain/errors.ts';
import type { EngineStatus } from './engine/engine-status.ts';

/** @throws SluiceError ENGINE_UNAVAILABLE */
export async function connectClient(
  { address, namespace }: EngineStatus,
  workflow: WorkflowClientInterceptor[] = [],
): Promise<Client> {
  try {
    const connection = await Connection.connect({ address, connectTimeout: '10 seconds' });
    return new Client({ connection, namespace, interceptors: { workflow } });
  } catch (cause) {
    throw new SluiceError('ENGINE_UNAVAILABLE', `Temporal does not answer at ${address}.`, { cause });
  }
}
