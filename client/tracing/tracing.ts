import type { Tracing, TracingOptions } from './types.ts';

/**
 * Starts traces if the standard variables of OpenTelemetry ask for them, and loads nothing if not.
 *
 * @see https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
export async function startTracing(options: TracingOptions): Promise<Tracing | null> {
  const wish = tracingWish(options.env);
  if (wish === 'off') return null;
  if (wish !== 'otlp') {
    options.warn(`${wish}: Sluice sends traces by OTLP over HTTP alone, and so none.`);
    return null;
  }
  const { startOtlp } = await import('./otlp.ts');
  return startOtlp(options);
}

/** `off`, `otlp`, or a setting that asks for traces in a way there is none of here. */
export function tracingWish(env: NodeJS.ProcessEnv): string {
  const given = (name: string): string => (env[name] ?? '').trim();
  const exporter = given('OTEL_TRACES_EXPORTER');
  const endpoint = given('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT') || given('OTEL_EXPORTER_OTLP_ENDPOINT');
  if (given('OTEL_SDK_DISABLED').toLowerCase() === 'true' || exporter === 'none') return 'off';
  if (exporter === '' && endpoint === '') return 'off';
  if (exporter !== '' && exporter !== 'otlp') return `OTEL_TRACES_EXPORTER=${exporter}`;
  const own = 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL';
  const name = given(own) === '' ? 'OTEL_EXPORTER_OTLP_PROTOCOL' : own;
  return given(name) === '' || given(name).startsWith('http/') ? 'otlp' : `${name}=${given(name)}`;
}
