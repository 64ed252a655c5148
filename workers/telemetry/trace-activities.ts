import { context, propagation, SpanKind, SpanStatusCode, trace, type Attributes, type Span } from '@opentelemetry/api';
import { OpenTelemetryActivityInboundInterceptor } from '@temporalio/interceptors-opentelemetry';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { Observer, ProviderCall } from '../../activities/observer.ts';
import { batchAndItemOf } from '../../domain/ids.ts';

/**
 * A span of each attempt at an activity, below that of its workflow; one whose workflow is in no trace begins its own.
 */
export const activitySpans: ActivityInterceptorsFactory = (activity) => {
  let place: Record<string, string> = {};
  return {
    inbound: {
      execute(input, next) {
        const { workflowExecution, workflowType = '', attempt, taskQueue } = activity.info;
        return new OpenTelemetryActivityInboundInterceptor(activity).execute(input, (given) => {
          const { batchId, itemId } = batchAndItemOf(workflowExecution?.workflowId ?? '', workflowType);
          const span = trace.getActiveSpan();
          span?.setAttributes({
            ...(batchId === undefined ? {} : { 'sluice.batch_id': batchId }),
            ...(itemId === undefined ? {} : { 'sluice.item_id': itemId }),
            'temporal.attempt': attempt,
            'temporal.task_queue': taskQueue,
          });
          place = placeOf(span);
          return next(given);
        });
      },
    },
    // The SDK's own lines of an attempt are written outside of it.
    outbound: { getLogAttributes: (attributes, next) => next({ ...attributes, ...place }) },
  };
};

function placeOf(span: Span | undefined): Record<string, string> {
  const here = span?.spanContext();
  return here === undefined ? {} : { traceId: here.traceId, spanId: here.spanId };
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
    const span = trace.getTracer('sluice').startSpan(`${operation} ${call.model}`, {
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
        ...(code === null ? {} : { 'error.type': code }),
      });
      if (code !== null) span.setStatus({ code: SpanStatusCode.ERROR, message: code });
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
