/**
 * The one error class of Millrace. An operating error (bad input, a limit, a peer that fails) is a `MillraceError` with a
 * closed `code`; a programmer error is an assertion and is never caught.
 */

/** Every code, with whether a caller may try the same call again and what it means. The same word travels on the wire. */
export const CODES = {
  invalid_argument: { retryable: false, meaning: "a value is malformed or outside its limits" },
  unauthenticated: { retryable: false, meaning: "no key, or a key that is not known" },
  forbidden: { retryable: false, meaning: "the key does not allow this" },
  blocked_address: { retryable: false, meaning: "the address is private, local or otherwise off limits for fetching" },
  robots_disallowed: { retryable: false, meaning: "the site's robots.txt forbids fetching the address" },
  not_found: { retryable: false, meaning: "no such space, stream, job, document or route" },
  method_not_allowed: { retryable: false, meaning: "the route exists but not for this method" },
  conflict: { retryable: false, meaning: "the state does not allow this call" },
  stale_epoch: { retryable: false, meaning: "a producer or cursor names an epoch that has been replaced" },
  sequence_gap: { retryable: true, meaning: "a producer skipped a sequence number" },
  gone: { retryable: false, meaning: "the frames asked for are past retention" },
  terminal: { retryable: false, meaning: "the message, tool call or job has already ended" },
  too_large: { retryable: false, meaning: "a body, file or value is above its size limit" },
  unsupported_type: { retryable: false, meaning: "the content type cannot be read" },
  unreadable_document: { retryable: false, meaning: "the file is broken or not what it says it is" },
  encrypted_document: { retryable: false, meaning: "the document needs a password" },
  needs_ocr: { retryable: false, meaning: "the document holds pictures of text only" },
  needs_render: { retryable: false, meaning: "the page has no text until a browser runs its scripts" },
  no_text: { retryable: false, meaning: "nothing to remember was found" },
  fetch_failed: { retryable: false, meaning: "the address answered with an error" },
  fetch_unreachable: { retryable: true, meaning: "the address did not answer" },
  provider_failed: { retryable: true, meaning: "the embedding provider answered with an error" },
  dimension_mismatch: { retryable: false, meaning: "a vector has another length than its space" },
  rate_limited: { retryable: true, meaning: "too many calls; wait for the time given" },
  overloaded: { retryable: true, meaning: "a bounded queue is full; wait for the time given" },
  slow_consumer: { retryable: true, meaning: "a subscriber made no progress; reconnect from its last cursor" },
  timeout: { retryable: true, meaning: "the deadline passed" },
  cancelled: { retryable: true, meaning: "the caller gave up" },
  unavailable: { retryable: true, meaning: "starting, draining or closed" },
  storage_full: { retryable: true, meaning: "the disk is full; nothing of this call was kept" },
  storage_failed: { retryable: true, meaning: "the store could not write or read; nothing of this call was kept" },
  data_too_new: { retryable: false, meaning: "the data directory was written by a newer version" },
  data_in_use: { retryable: false, meaning: "another process has the data directory open" },
  port_in_use: { retryable: false, meaning: "another process listens on the port" },
  internal: { retryable: false, meaning: "a defect in Millrace" },
} as const satisfies Record<string, { readonly retryable: boolean; readonly meaning: string }>;

export type Code = keyof typeof CODES;

export type MillraceErrorOptions = {
  /** Overrides the code's own default. */
  readonly retryable?: boolean;
  /** Milliseconds to wait before the same call can succeed. */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
};

/** An operating error. The message states the value, the limit and the option or action that mends it. */
export class MillraceError extends Error {
  override readonly name = "MillraceError";
  readonly code: Code;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(code: Code, message: string, options: MillraceErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? CODES[code].retryable;
    this.retryAfterMs = options.retryAfterMs;
  }

  /** `error` as a MillraceError: itself, a cancelled or timed-out signal by its name, anything else as `fallback`. */
  static from(error: unknown, fallback: Code = "internal"): MillraceError {
    if (error instanceof MillraceError) return error;
    const name = error instanceof Error ? error.name : "";
    const message = error instanceof Error ? error.message : String(error);
    if (name === "TimeoutError") return new MillraceError("timeout", message, { cause: error });
    if (name === "AbortError") return new MillraceError("cancelled", message, { cause: error });
    return new MillraceError(fallback, message, { cause: error });
  }
}

export function isCode(value: unknown): value is Code {
  return typeof value === "string" && Object.hasOwn(CODES, value);
}

/** The plain form of an error: survives JSON and structured clone, so errors keep their code across threads and sockets. */
export type ErrorBody = {
  readonly code: Code;
  readonly message: string;
  readonly retryable: boolean;
  readonly retryAfterMs?: number;
};

export function toErrorBody(error: unknown): ErrorBody {
  const { code, message, retryable, retryAfterMs } = MillraceError.from(error);
  return retryAfterMs === undefined ? { code, message, retryable } : { code, message, retryable, retryAfterMs };
}

export function fromErrorBody(body: ErrorBody): MillraceError {
  const { retryable, retryAfterMs } = body;
  return new MillraceError(isCode(body.code) ? body.code : "internal", body.message, {
    retryable,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}
