/** What a node raises: goes to history and over the WebSocket as `execution_error`. */
export class NodeFailure extends Error {
  /** Name of the Python exception, e.g. `torch.OutOfMemoryError`. */
  readonly type: string;

  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}
