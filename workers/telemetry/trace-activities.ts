import {
  context,
  propagation,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import type { Info as ActivityInfo } from '@temporalio/activity';
import { defaultPayloadConverter } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { Observer, ProviderCall } from '../../activities/observer.ts';
import { batchAndItemOf } from '../../domain/ids.ts';
import { failureCode, traceHeader } from '../../domain/trace.ts';

const tracer = (): Tracer => trace.getTracer('sluice');

/**
 * A span of each attempt at an activity, below that of its workflow; one whose workflow is in no trace begins its own.
 * Of a failure only the code is told: its message may quote what a vendor answered.
 */
export const activitySpans: ActivityInterceptorsFactory = ({ info }) => {
  let place: Record<string, string> = {};
  return {
    inbound: {
      execute(input, next) {
        const carrier = input.headers[traceHeader];
        const around = propagation.extract(
          context.active(),
          carrier === undefined ? {} : defaultPayloadConverter.fromPayload(carrier),
        );
        return tracer().startActiveSpan(`RunActivity:${info.activityType}`, {}, around, async (span) => {
          span.setAttributes(aboutAttempt(info));
          const { traceId, spanId } = span.spanContext();
          place = { traceId, spanId };
          try {
            return await next(input);
          } catch (error) {
            fail(span, failureCode(error));
            throw error;
          } finally {
            span.end();
          }
        });
      },
    },
    // The SDK's own lines of an attempt are written outside of it.
    outbound: { getLogAttributes: (attributes, next) => next({ ...attributes, ...place }) },
  };
};

function aboutAttempt({ workflowExecution, workflowType = '', ...info }: ActivityInfo): Attributes {
  const { workflowId = '', runId = '' } = workflowExecution ?? {};
  const { batchId, itemId } = batchAndItemOf(workflowId, workflowType);
  return {
    ...(batchId === undefined ? {} : { 'sluice.batch_id': batchId }),
    ...(itemId === undefined ? {} : { 'sluice.item_id': itemId }),
    // As Temporal's own interceptors name them.
    temporalWorkflowId: workflowId,
    run_id: runId,
    temporalActivityId: info.activityId,
    'temporal.attempt': info.attempt,
    'temporal.task_queue': info.taskQueue,
  };
}

function fail(span: Span, code: string): void {
  span.setAttribute('error.type', code).setStatus({ code: SpanStatusCode.ERROR, message: code });
}

/** Where what runs now is in a trace, by the names of headers. */
export function currentCarrier(): Record<string, string> {
  const carrier: Record<string, string> = {};
  propagation.inject(context.active(), carrier);
  return carrier;
}

/**
 * A span of each call of a provider, by the conventions for generative AI. Neither what was asked and answered nor
 * addresses and keys are in it.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/
 */
export const callSpans: Observer = {
  callStarted(call) {
    const operation = operationOf(call);
    const span = tracer().startSpan(`${operation} ${call.model}`, {
      kind: SpanKind.CLIENT,
      attributes: { 'gen_ai.operation.name': operation, ...attributesOf(call) },
    });
    return ({ code, usage, costUsd, modelVersion, responseId }) => {
      span.setAttributes({
        'gen_ai.usage.input_tokens': usage.inputTokens,
        'gen_ai.usage.output_tokens': usage.outputTokens,
        'sluice.usage.images': usage.images,
        'sluice.cost_usd': costUsd,
        ...(usage.videoSeconds === undefined ? {} : { 'sluice.usage.video_seconds': usage.videoSeconds }),
        ...(modelVersion === undefined ? {} : { 'gen_ai.response.model': modelVersion }),
        ...(responseId === undefined ? {} : { 'gen_ai.response.id': responseId }),
      });
      if (code !== null) fail(span, code);
      span.end();
    };
  },
};

/** As the conventions name vendors, now and formerly. */
const vendorNames: Readonly<Record<string, { name: string; system: string }>> = {
  gemini: { name: 'gcp.gemini', system: 'gemini' },
};

function attributesOf({ provider, model, kind, mode, batchId, itemId, stepId }: ProviderCall): Attributes {
  const { name, system } = vendorNames[provider] ?? { name: provider, system: provider };
  return {
    'gen_ai.provider.name': name,
    'gen_ai.system': system,
    'gen_ai.request.model': model,
    'gen_ai.output.type': kind === 'comfy' ? 'image' : kind,
    'sluice.mode': mode,
    'sluice.batch_id': batchId,
    'sluice.item_id': itemId,
    'sluice.step_id': stepId,
  };
}

function operationOf({ provider, kind }: ProviderCall): string {
  return kind === 'text' && provider !== 'gemini' ? 'chat' : 'generate_content';
}
