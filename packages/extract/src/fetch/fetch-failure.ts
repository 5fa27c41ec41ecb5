import { MillraceError } from "@millrace/core";

/** A failure that may pass: the fetcher tries again while there is time. What the caller gets in the end is `failure`. */
export class PassingFailure extends Error {
  readonly failure: MillraceError;
  /** Of the answer, when there was one. */
  readonly status: number | undefined;

  constructor(failure: MillraceError, status?: number) {
    super(failure.message, { cause: failure });
    this.failure = failure;
    this.status = status;
  }
}

/** Errors of names and certificates that the next try meets again. */
const LASTING =
  /^(ENOTFOUND|ERR_INVALID_URL|ERR_TLS_|CERT_|DEPTH_ZERO_|UNABLE_TO_|SELF_SIGNED_|ERR_SSL_|UND_ERR_INVALID_ARG)/;

/** What went wrong on the connection, under its own code; the caller's signal and the deadline before all. */
export function failureOf(url: string, error: unknown, signal: AbortSignal): MillraceError | PassingFailure {
  if (signal.aborted) {
    return signal.reason instanceof MillraceError
      ? signal.reason
      : new MillraceError("cancelled", `fetching ${url} was cancelled`, { cause: signal.reason });
  }
  if (error instanceof PassingFailure) return error;
  let code = "";
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof MillraceError) return cause;
    if ("code" in cause && typeof cause.code === "string") code = cause.code;
  }
  const failure = new MillraceError("fetch_unreachable", `${url} did not answer: ${describe(error)}`, { cause: error });
  return LASTING.test(code) ? failure : new PassingFailure(failure);
}

function describe(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  // Several addresses were tried; the first error stands for all.
  const first = error instanceof AggregateError ? (error.errors[0] as unknown) : undefined;
  return message || (first instanceof Error ? first.message : "") || "the connection failed";
}
