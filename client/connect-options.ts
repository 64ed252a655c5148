import type { WorkflowClientInterceptor } from '@temporalio/client';

/** How to reach an engine. */
export interface ConnectOptions {
  /** Directory of the engine's state. @default SLUICE_HOME, else ~/.sluice */
  home?: string | undefined;
  /** Start an engine if none runs. @default true */
  start?: boolean | undefined;
  /**
   * Whose keys and GPUs submissions use: `own`, what this process is configured with, or `engine`, what the
   * engine has; that is for what is part of the engine. @default 'own'
   */
  keys?: 'own' | 'engine' | undefined;
  /** Of Temporal's client, e.g. those of `@temporalio/interceptors-opentelemetry`. @default none */
  interceptors?: WorkflowClientInterceptor[] | undefined;
  /** Told in one line each what takes time or was done unasked. @default nothing is told */
  notice?: ((line: string) => void) | undefined;
}
