/** The programmatic API: parse an input, run a batch, watch its results, get the summary, compare pictures. */
export { Sluice, type ConnectOptions } from './sluice.ts';
export type { BatchReport } from './batch-report.ts';
export type { BatchListEntry } from './list.ts';
export type { JobsOptions } from './jobs.ts';
export type { Submission, SubmitOptions } from './submit.ts';
export type { WatchOptions } from './watch.ts';
export { parseInput, type ParsedInput, type ParseInputOptions } from './input/parse-input.ts';
export { loadModels } from './models.ts';
export { findProfile, loadProfiles, type NamedProfile } from './profiles.ts';
export type { Comparison, ComparisonCell, Labelled } from './compare/comparison.ts';
export { writeComparison, type WrittenComparison } from './compare/write-comparison.ts';
export type { InputFormat, InputSource } from './input/source.ts';
export type { BatchSpec, BatchSpecInput, Limits, LimitsChange } from '../domain/batch-spec.ts';
export type { BatchProgress, BatchSummary } from '../domain/batch.ts';
export type { GpuEndpointConfig } from '../domain/gpu-endpoint.ts';
export type { ResultRow } from '../domain/result.ts';
export { SluiceError, type ErrorCode } from '../domain/errors.ts';
