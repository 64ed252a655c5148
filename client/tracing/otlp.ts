import { setTimeout as delay } from 'node:timers/promises';
import {
  diag,
  DiagLogLevel,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type DiagLogFunction,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { envDetectorSync, Resource } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider, type ReadableSpan } from '@opentelemetry/sdk-trace-node';
import type { WorkflowClientInterceptor } from '@temporalio/client';
import { OpenTelemetryWorkflowClientInterceptor } from '@temporalio/interceptors-opentelemetry';
import type { WorkflowSpan } from '../../domain/trace.ts';
import { version } from '../version.ts';
import type { Tracing, TracingOptions } from './types.ts';

/** How long the end of a process waits for what is left, milliseconds. */
const closeMs = 2_000;

/** Sends spans to an OTLP receiver. Where, how often and of which share of traces, the environment says. */
export function startOtlp({ service, warn }: TracingOptions): Tracing {
  const told: DiagLogFunction = (message) => {
    warn(`Traces: ${plain(message)}`);
  };
  const silent = (): void => undefined;
  const log = { error: told, warn: told, info: silent, debug: silent, verbose: silent };
  diag.setLogger(log, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  const resource = new Resource({
    'service.name': service,
    'service.version': version(),
    ...envDetectorSync.detect().attributes,
  });
  const processor = new BatchSpanProcessor(new OTLPTraceExporter());
  const provider = new NodeTracerProvider({ resource, spanProcessors: [processor] });
  provider.register();
  return {
    clientInterceptors: [clientInterceptor()],
    record: (span) => {
      processor.onEnd(readable(span, resource));
    },
    logFields: () => {
      const here = trace.getActiveSpan()?.spanContext();
      return here === undefined ? {} : { trace_id: here.traceId, span_id: here.spanId };
    },
    close: async () => {
      const ended = provider.shutdown().catch((error: unknown) => {
        warn(`Traces: ${String(error)}`);
      });
      await Promise.race([ended, delay(closeMs, undefined, { ref: false })]);
    },
  };
}

/** An error comes as JSON of all its fields; its message is enough. */
function plain(text: string): string {
  const [, message = text] = /^\{.*"message":"((?:[^"\\]|\\.)*)"/s.exec(text) ?? [];
  return message;
}

/** Of what changes a workflow; looks at one are too many to be worth a span. */
function clientInterceptor(): WorkflowClientInterceptor {
  const all = new OpenTelemetryWorkflowClientInterceptor();
  return {
    startWithDetails: (input, next) => all.startWithDetails(input, next),
    signal: (input, next) => all.signal(input, next),
    signalWithStart: (input, next) => all.signalWithStart(input, next),
    startUpdate: (input, next) => all.startUpdate(input, next),
  };
}

function readable(span: WorkflowSpan, resource: Resource): ReadableSpan {
  const { name, traceId, spanId, parentSpanId, startMs, endMs, failure, attributes } = span;
  return {
    name,
    kind: SpanKind.INTERNAL,
    spanContext: () => ({ traceId, spanId, traceFlags: TraceFlags.SAMPLED }),
    parentSpanId,
    startTime: hrTime(startMs),
    endTime: hrTime(endMs),
    duration: hrTime(endMs - startMs),
    status: failure === null ? { code: SpanStatusCode.OK } : { code: SpanStatusCode.ERROR, message: failure },
    attributes: failure === null ? attributes : { ...attributes, 'error.type': failure },
    links: [],
    events: [],
    ended: true,
    resource,
    instrumentationLibrary: { name: 'sluice/workflows' },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** Seconds and nanoseconds. */
function hrTime(ms: number): [number, number] {
  return [Math.floor(ms / 1_000), Math.round((ms % 1_000) * 1e6)];
}
