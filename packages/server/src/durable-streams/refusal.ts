import { MillraceError } from "@millrace/core";

/** An error for which the protocol has its own status, or headers that say more. */
export class Refusal extends MillraceError {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(error: MillraceError, more: { status?: number; headers?: Readonly<Record<string, string>> }) {
    const { code, message, retryable, retryAfterMs } = error;
    super(code, message, { retryable, ...(retryAfterMs === undefined ? {} : { retryAfterMs }), cause: error });
    this.status = more.status;
    this.headers = more.headers ?? {};
  }
}
