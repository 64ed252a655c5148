import { SluiceError } from '../../domain/errors.ts';
import type { DevServerConfig } from './dev-server-config.ts';
import { registerSearchAttributes, temporalAnswers } from './temporal-setup.ts';

/**
 * Checks that a server we did not start (`TEMPORAL_ADDRESS`) can be used, and registers what is missing.
 * @throws SluiceError ENGINE_START_FAILED if it does not answer or has no such namespace
 */
export async function prepareForeignServer(
  server: { address: string; namespace: string; searchAttributes: DevServerConfig['search_attributes'] },
  log: (line: string) => void,
): Promise<void> {
  const { address, namespace, searchAttributes } = server;
  await temporalAnswers(address, namespace, 10_000).catch((error: unknown) => {
    const message = `TEMPORAL_ADDRESS ${address} (namespace ${namespace}) does not answer: ${String(error)}`;
    throw new SluiceError('ENGINE_START_FAILED', message, { action: 'Check the address and the namespace.' });
  });
  await registerSearchAttributes(address, namespace, searchAttributes).catch((error: unknown) => {
    // Not everybody may do this on a shared server; its administrator then has done it, or will hear of it.
    log(`search attributes were not registered: ${String(error)}`);
  });
}
