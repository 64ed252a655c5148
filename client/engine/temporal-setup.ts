import { connect } from 'node:net';
import { Connection } from '@temporalio/client';
import { encodeSearchAttributeIndexedValueType } from '@temporalio/common/lib/search-attributes.js';
import { msToTs } from '@temporalio/common/lib/time.js';
import type { DevServerConfig } from './dev-server-config.ts';

type AttributeTypes = DevServerConfig['search_attributes'];

const indexedTypes = {
  Text: 'TEXT',
  Keyword: 'KEYWORD',
  Int: 'INT',
  Double: 'DOUBLE',
  Bool: 'BOOL',
  Datetime: 'DATETIME',
  KeywordList: 'KEYWORD_LIST',
} as const;

/** gRPC status codes @see https://grpc.io/docs/guides/status-codes/ */
const alreadyExists = 6;

/** Whether something accepts connections there. */
export function portAnswers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (answers: boolean): void => {
      socket.destroy();
      resolve(answers);
    };
    socket.once('connect', () => {
      end(true);
    });
    socket.once('error', () => {
      end(false);
    });
    socket.setTimeout(1_000, () => {
      end(false);
    });
  });
}

/** Whether the server answers and has the namespace. Throws what the connection threw if it does not. */
export async function temporalAnswers(address: string, namespace: string, timeoutMs: number): Promise<boolean> {
  return await withConnection(address, timeoutMs, async (connection) => {
    await connection.workflowService.describeNamespace({ namespace });
    return true;
  });
}

/** Sets how long the namespace keeps finished executions; the development server starts with one day. */
export async function setRetention(address: string, namespace: string, days: number): Promise<void> {
  const ttl = msToTs(days * 86_400_000);
  await withConnection(address, 10_000, async (connection) => {
    const { config } = await connection.workflowService.describeNamespace({ namespace });
    if (Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) === days * 86_400) return;
    await connection.workflowService.updateNamespace({ namespace, config: { workflowExecutionRetentionTtl: ttl } });
  });
}

/** Registers those that are missing on a server that is not ours. Needs the right to do so. */
export async function registerSearchAttributes(
  address: string,
  namespace: string,
  attributes: AttributeTypes,
): Promise<void> {
  await withConnection(address, 10_000, async (connection) => {
    const known = await connection.operatorService.listSearchAttributes({ namespace });
    const missing = Object.entries(attributes).filter(([name]) => !Object.hasOwn(known.customAttributes, name));
    if (missing.length === 0) return;
    const searchAttributes = Object.fromEntries(
      missing.map(([name, type]) => [name, encodeSearchAttributeIndexedValueType(indexedTypes[type]) ?? 0]),
    );
    try {
      await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
    } catch (error) {
      // Another engine registered them in the meantime.
      if (!(error instanceof Error && 'code' in error && error.code === alreadyExists)) throw error;
    }
  });
}

async function withConnection<T>(
  address: string,
  timeoutMs: number,
  use: (connection: Connection) => Promise<T>,
): Promise<T> {
  // Without the SDK's interceptors: they would retry what is asked here in a loop anyway.
  const connection = await Connection.connect({ address, connectTimeout: timeoutMs, interceptors: [] });
  try {
    return await connection.withDeadline(Date.now() + timeoutMs, () => use(connection));
  } finally {
    await connection.close();
  }
}
