import { Client, Connection } from '@temporalio/client';
import type { Sandbox } from './sandbox.ts';

/** Why attempts of activities failed that were made again: each failure's type, or what timed out. */
export async function activityFailures(sandbox: Sandbox, workflowIds: string[]): Promise<string[]> {
  const report = await sandbox.engine();
  const connection = await Connection.connect({ address: report?.address ?? '' });
  try {
    const { workflow } = new Client({ connection, namespace: report?.namespace ?? '' });
    const histories = await Promise.all(workflowIds.map((id) => workflow.getHandle(id).fetchHistory()));
    return histories
      .flatMap(({ events }) => events ?? [])
      .flatMap(({ activityTaskStartedEventAttributes: started }) => started?.lastFailure ?? [])
      .map(({ applicationFailureInfo, message }) => applicationFailureInfo?.type ?? message ?? '');
  } finally {
    await connection.close();
  }
}
