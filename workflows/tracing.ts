import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import {
  ContinueAsNew,
  proxySinks,
  workflowInfo,
  type Sinks,
  type WorkflowInboundCallsInterceptor,
  type WorkflowInterceptors,
  type WorkflowOutboundCallsInterceptor,
} from '@temporalio/workflow';
import { longHash } from '../domain/hash-map.ts';
import { failureCode, traceHeader, type WorkflowSpan } from '../domain/trace.ts';

/** What a worker gives its workflows, so that their spans leave them. */
export interface TracingSinks extends Sinks {
  tracing: { ended: (span: WorkflowSpan) => void };
}

/** As W3C has it, by the names of headers: `traceparent` and what comes with it. */
export type TraceCarrier = Record<string, string>;

interface Place {
  carrier: TraceCarrier;
  traceId: string;
  spanId: string;
  sampled: boolean;
}

/** Where this workflow is in a trace: null where whoever started it was in none. A workflow has its module to itself. */
let parent: Place | null = null;
let own: Place | null = null;

/**
 * Spans of a workflow whose start carried a trace. Of any other nothing is done, whether the worker sends traces or
 * not, and so the history alone decides.
 *
 * Nothing here may change when a workflow goes on: promises are handed through as they are and only watched, and ids
 * come from the run's own. So histories replay, whether they were recorded in a trace or not, and a batch goes on when
 * its engine is started anew with traces or without (docs/decisions/2026-11-26-spans-of-workflows.md).
 */
export function interceptors(): WorkflowInterceptors {
  return { inbound: [inbound], outbound: [outbound] };
}

/** Puts what follows into a trace that an activity has begun; only a workflow that is in none. */
export function continueTrace(carrier: TraceCarrier | undefined): void {
  own ??= placeOf(carrier);
  parent ??= own;
}

const inbound: WorkflowInboundCallsInterceptor = {
  execute(input, next) {
    parent = placeOf(carrierOf(input.headers[traceHeader]));
    if (parent === null) return next(input);
    const { workflowType, runId, runStartTime } = workflowInfo();
    own = childOf(parent, runId);
    const result = next(input);
    watch(result, { name: `RunWorkflow:${workflowType}`, under: parent, place: own, startMs: runStartTime.getTime() });
    return result;
  },
};

const outbound: WorkflowOutboundCallsInterceptor = {
  scheduleActivity(input, next) {
    if (own === null) return next(input);
    const place = childOf(own, `${workflowInfo().runId} ${String(input.seq)}`);
    const result = next({ ...input, headers: { ...input.headers, [traceHeader]: payloadOf(place) } });
    watch(result, { name: `StartActivity:${input.activityType}`, under: own, place, startMs: Date.now() });
    return result;
  },
  startChildWorkflowExecution(input, next) {
    return next(own === null ? input : { ...input, headers: { ...input.headers, [traceHeader]: payloadOf(own) } });
  },
  continueAsNew(input, next) {
    return next(
      parent === null ? input : { ...input, headers: { ...input.headers, [traceHeader]: payloadOf(parent) } },
    );
  },
};

interface Watched {
  name: string;
  under: Place;
  place: Place;
  startMs: number;
}

function watch(result: Promise<unknown>, { name, under, place, startMs }: Watched): void {
  if (!place.sampled) return;
  const end = (failure: string | null): void => {
    const { workflowId, runId } = workflowInfo();
    proxySinks<TracingSinks>().tracing.ended({
      name,
      traceId: place.traceId,
      spanId: place.spanId,
      parentSpanId: under.spanId,
      startMs,
      endMs: Date.now(),
      failure,
      // As Temporal's own interceptors name them.
      attributes: { temporalWorkflowId: workflowId, run_id: runId },
    });
  };
  void result.then(
    () => {
      end(null);
    },
    (error: unknown) => {
      end(error instanceof ContinueAsNew ? null : failureCode(error));
    },
  );
}

/** @see https://www.w3.org/TR/trace-context/#traceparent-header */
function placeOf(carrier: TraceCarrier | undefined): Place | null {
  const found = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(carrier?.['traceparent'] ?? '');
  if (carrier === undefined || found === null) return null;
  const [, traceId = '', spanId = '', flags = ''] = found;
  return { carrier, traceId, spanId, sampled: (parseInt(flags, 16) & 1) === 1 };
}

/** The same name gives the same id, also when the workflow is replayed. */
function childOf(place: Place, name: string): Place {
  const { traceId, sampled } = place;
  const spanId = longHash(name);
  const traceparent = `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;
  return { ...place, spanId, carrier: { ...place.carrier, traceparent } };
}

function payloadOf({ carrier }: Place): Payload {
  return defaultPayloadConverter.toPayload(carrier);
}

function carrierOf(payload: Payload | undefined): TraceCarrier | undefined {
  return payload === undefined ? undefined : defaultPayloadConverter.fromPayload<TraceCarrier>(payload);
}
