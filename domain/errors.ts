/**
 * Every error Sluice shows has a stable code. Codes, not classes, are the contract: they appear in
 * result rows, in Temporal failures (`ApplicationFailure.type`) and in the command line's messages.
 */
interface ErrorInfo {
  /** Whether the same request may succeed if sent again unchanged (or with changed sampling). */
  retryable: boolean;
  /** What a person can do about it. */
  action: string;
}

export const errorCatalog = {
  // A provider's answer to one item.
  RATE_LIMITED: { retryable: true, action: 'Nothing: the model is slowed down and the item is sent again.' },
  TIMEOUT: { retryable: true, action: 'Retry the failed items; raise timeout_ms if the model is slow.' },
  ITEM_TIMEOUT: {
    retryable: false,
    action: 'Retry the item: what it has made is kept, and the rest has the whole time again.',
  },
  UNAVAILABLE: { retryable: true, action: 'Retry the failed items once the provider answers again.' },
  NO_OUTPUT: {
    retryable: true,
    action: 'Reword the prompt, or raise max_output_tokens where a text was cut off, then retry the item.',
  },
  INVALID_INPUT: { retryable: false, action: 'Correct the row named in the message and run again with --resume.' },
  AUTH: {
    retryable: false,
    action: 'Check the API key of the vendor it names (GEMINI_API_KEY, …), then resume the batch.',
  },
  QUOTA_EXCEEDED: { retryable: false, action: 'Wait for the quota to reset or raise it, then resume the batch.' },
  BATCH_BUDGET_REACHED: {
    retryable: false,
    action: 'Raise it with: sluice batch resume --budget USD. Or cancel the batch.',
  },
  BUDGET_REACHED: {
    retryable: false,
    action: 'Raise it with: sluice budget set. Then resume the batch, or cancel it.',
  },
  DAY_BUDGET_REACHED: {
    retryable: false,
    action: 'Resume the batch once the day is over (UTC), or raise the budget with: sluice budget set',
  },
  CONTENT_BLOCKED: { retryable: false, action: 'Reword the prompt: the provider refused its content.' },
  REQUEST_REFUSED: {
    retryable: false,
    action: 'Look at the answer in the message; correct the flow or the row, then retry the item.',
  },
  HOST_NOT_ALLOWED: {
    retryable: false,
    action: 'Add the host to http.allow in $SLUICE_HOME/config.yaml if it may be asked, then retry the item.',
  },
  OUT_OF_MEMORY: {
    retryable: true,
    action: 'Use a smaller batch size or picture, or a GPU with more memory.',
  },
  EXECUTION_FAILED: {
    retryable: true,
    action: 'Look at the node named in the message; the ComfyUI log has the traceback.',
  },
  CHECK_FAILED: {
    retryable: false,
    action: 'Look at what the step made; change the prompt or the check, then retry the item.',
  },
  REJECTED: { retryable: false, action: 'Retry the item, with another prompt if need be: it is then asked for again.' },
  NOT_ANSWERED: {
    retryable: false,
    action: 'Retry the item in a batch with --interactive, and answer what it asks: sluice inbox',
  },
  // What became of an item for reasons of our own.
  INPUT_CORRUPT: {
    retryable: false,
    action: 'The staged input was altered; run again with --resume to stage it anew.',
  },
  CANCELLED: { retryable: false, action: 'Retry the item if it is still wanted.' },
  TERMINATED: { retryable: false, action: 'Somebody ended this item by hand; retry it if it is still wanted.' },
  INTERNAL: { retryable: false, action: 'A defect: keep the engine log and report it.' },
  // Storage.
  STORAGE_FULL: { retryable: true, action: 'Free disk space, then resume the batch.' },
  STORAGE_DENIED: { retryable: true, action: 'Give write permission to the directory, then resume the batch.' },
  STORAGE_ERROR: { retryable: true, action: 'Check the storage named in the message, then resume the batch.' },
  // The REST service.
  UNAUTHENTICATED: { retryable: false, action: 'Send a token: Authorization: Bearer … (sluice token create).' },
  FORBIDDEN: { retryable: false, action: 'Use a token of another role or project, or another address.' },
  ROUTE_NOT_FOUND: { retryable: false, action: 'See /api/docs for what there is.' },
  ITEM_NOT_FOUND: { retryable: false, action: 'List the items of the batch with: sluice batch jobs' },
  FILE_NOT_FOUND: { retryable: false, action: 'List the files of the batch; it may have been cleaned.' },
  BODY_TOO_LARGE: {
    retryable: false,
    action: 'Upload the items as a file, or raise the limit under api: in the configuration.',
  },
  INPUT_OUTSIDE: {
    retryable: false,
    action: 'Give a path below input_root of api: in the configuration, or send the file itself.',
  },
  OUTPUT_OUTSIDE: { retryable: false, action: 'Give a path below output_root of api: in the configuration.' },
  IDEMPOTENCY_MISMATCH: { retryable: false, action: 'Use a new Idempotency-Key for another request.' },
  // The command line and the client.
  USAGE: { retryable: false, action: 'See --help.' },
  INPUT_NOT_FOUND: { retryable: false, action: 'Check the path of the input file.' },
  INPUT_UNREADABLE: { retryable: false, action: 'Check that the file is CSV or JSONL text and its encoding.' },
  NO_VALID_REQUESTS: { retryable: false, action: 'Correct the rows listed in the rejected file.' },
  UNKNOWN_FLOW: { retryable: false, action: 'List the flows with: sluice flow list' },
  FLOW_INVALID: { retryable: false, action: 'Correct the flow at the places named in the message.' },
  UNKNOWN_MODEL: { retryable: false, action: 'Use a model of models.yaml, or add it there.' },
  CONFIG_INVALID: { retryable: false, action: 'Correct the configuration file named in the message.' },
  BATCH_NOT_FOUND: { retryable: false, action: 'List the batches with: sluice batch list' },
  BATCH_NOT_RUNNING: { retryable: false, action: 'Run its failed items again with: sluice batch retry' },
  BATCH_RUNNING: { retryable: false, action: 'Wait for it, or cancel it first.' },
  OUTPUT_IN_USE: { retryable: false, action: 'Choose another directory with -o.' },
  OUTPUT_EXISTS: {
    retryable: false,
    action: 'Add --resume to do what is missing, or choose another directory with -o.',
  },
  OUTPUT_NOT_WRITABLE: { retryable: false, action: 'Choose a directory you can write to with -o.' },
  QUESTION_NOT_FOUND: { retryable: false, action: 'See what is asked with: sluice inbox' },
  QUESTION_ANSWERED: { retryable: false, action: 'See what is still asked with: sluice inbox' },
  INVALID_ANSWER: { retryable: false, action: 'Answer with --approve, --reject --note TEXT, or --edit FILE.' },
  NOTHING_TO_RETRY: { retryable: false, action: 'Nothing to do: no item matches.' },
  SCHEDULE_NOT_FOUND: { retryable: false, action: 'List the schedules with: sluice schedule list' },
  SCHEDULE_EXISTS: { retryable: false, action: 'Choose another name, or delete the schedule that has it.' },
  ENGINE_UNAVAILABLE: { retryable: true, action: 'Start it with: sluice up --detach (or look at: sluice doctor)' },
  ENGINE_START_FAILED: { retryable: true, action: 'Look at the logs named by: sluice doctor' },
  TEMPORAL_BINARY_MISSING: {
    retryable: false,
    action: 'Install the temporal CLI (https://docs.temporal.io/cli) or Go, or set TEMPORAL_ADDRESS.',
  },
} as const satisfies Record<string, ErrorInfo>;

export type ErrorCode = keyof typeof errorCatalog;

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(errorCatalog, value);
}

/** An error with a code and one clear sentence. `action` defaults to the catalogue's advice. */
export class SluiceError extends Error {
  override readonly name = 'SluiceError';
  readonly code: ErrorCode;
  readonly action: string;
  readonly retryable: boolean;
  /** How long the other side asked us to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { action?: string; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.action = options.action ?? errorCatalog[code].action;
    this.retryable = errorCatalog[code].retryable;
    this.retryAfterMs = options.retryAfterMs;
  }
}
