import type { ErrorCode } from '../../domain/errors.ts';
import { ProviderError } from '../provider-error.ts';
import type { HttpReply } from './http.ts';
import { refusalSchema, type NodeErrors } from './schemas.ts';

/** Why a prompt failed while it ran, as history tells it. */
export interface ExecutionFailure {
  node: string;
  nodeType: string;
  /** The Python exception, e.g. `torch.OutOfMemoryError`. */
  type: string;
  message: string;
}

/** A failed execution as an error of ours: OUT_OF_MEMORY, or EXECUTION_FAILED for any other. */
export function executionError({ node, nodeType, type, message }: ExecutionFailure): ProviderError {
  const label = nodeType === '' ? `node ${node}` : `node ${node} (${nodeType})`;
  const memory = isOutOfMemory(type, message);
  return new ProviderError(
    memory ? 'OUT_OF_MEMORY' : 'EXECUTION_FAILED',
    `${memory ? 'The GPU ran out of memory' : 'ComfyUI failed'} in ${label}: ${excerpt(`${type}: ${message}`)}`,
  );
}

function isOutOfMemory(type: string, message: string): boolean {
  return type.includes('OutOfMemoryError') || /CUDA out of memory|Allocation on device/i.test(message);
}

/** The error of a reply to `/prompt` that is not 200: a refused graph names its nodes. */
export function submitError(reply: HttpReply): ProviderError {
  const refusal = reply.status === 400 ? refusalSchema.safeParse(parseJson(reply.body)).data : undefined;
  if (refusal === undefined) return replyError(reply, 'POST /prompt');
  const { error, node_errors: nodeErrors } = refusal;
  if (Object.keys(nodeErrors).length > 0) return nodeErrorsError(nodeErrors);
  if (typeof error === 'string')
    return new ProviderError('INVALID_INPUT', `ComfyUI refused the graph: ${excerpt(error)}`);
  const { class_type: classType, node_id: nodeId } = error.extra_info ?? {};
  if (error.type === 'missing_node_type' && classType !== undefined) {
    return new ProviderError(
      'INVALID_INPUT',
      `Node ${nodeId ?? '?'} (${classType}) is not installed on this ComfyUI: ${excerpt(error.message)}`,
    );
  }
  const told = [error.message, error.details].filter((part) => part !== '').join(' ');
  return new ProviderError('INVALID_INPUT', `ComfyUI refused the graph (${error.type}): ${excerpt(told)}`);
}

/** Errors of single nodes, which may come with a refusal or with an accepted prompt. */
export function nodeErrorsError(nodeErrors: NodeErrors): ProviderError {
  const told = Object.entries(nodeErrors).flatMap(([node, { class_type: classType, errors }]) =>
    errors.map(({ message, details }) => `node ${node} (${classType}): ${message}: ${details}`),
  );
  return new ProviderError('INVALID_INPUT', `ComfyUI refused the graph: ${excerpt(told.join('; '))}`);
}

/** The error of any reply with an unexpected status. */
export function replyError({ status, body }: HttpReply, what: string): ProviderError {
  return new ProviderError(
    codeOf(status),
    `ComfyUI answered ${what} with ${status}: ${excerpt(body.toString('utf8'))}`,
  );
}

function codeOf(status: number): ErrorCode {
  if (status === 401 || status === 403) return 'AUTH';
  if (status === 429) return 'RATE_LIMITED';
  // 404 and 405: something that is no ComfyUI, or a proxy in front of one that is away.
  return status >= 400 && status < 500 && ![404, 405, 408].includes(status) ? 'INVALID_INPUT' : 'UNAVAILABLE';
}

/** The JSON in a body; undefined for anything else. */
export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

function excerpt(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length <= 500 ? line : `${line.slice(0, 499)}…`;
}
