/** The negative cache: failures that would only repeat themselves. */
import { type Clock, type Code, type ErrorBody, fromErrorBody, MillraceError, toErrorBody } from "@millrace/core";
import { LRUCache } from "lru-cache";
import { CACHE_NEGATIVE_MAX } from "../limits.ts";

/** What the page answered or is; not what the caller, the time or this machine did. */
const LASTING: ReadonlySet<Code> = new Set<Code>([
  "blocked_address",
  "forbidden",
  "not_found",
  "gone",
  "too_large",
  "unsupported_type",
  "unreadable_document",
  "encrypted_document",
  "needs_ocr",
  "needs_render",
  "no_text",
  "fetch_failed",
]);

type Failure = { readonly body: ErrorBody; readonly atMs: number; readonly tags: readonly string[] };

/** Whether the same call would fail in the same way: a code of the page itself, and not marked retryable. */
export function isLasting(error: unknown): error is MillraceError {
  return error instanceof MillraceError && !error.retryable && LASTING.has(error.code);
}

/** Failures by key, each for `ttlMs`; in memory only, at most CACHE_NEGATIVE_MAX. */
export class Failures {
  readonly #kept = new LRUCache<string, Failure>({ max: CACHE_NEGATIVE_MAX });
  readonly #clock: Clock;
  readonly #ttlMs: number;

  constructor(clock: Clock, ttlMs: number) {
    this.#clock = clock;
    this.#ttlMs = ttlMs;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** The failure as a new error, when it is younger than the time to live and `maxAgeMs`. */
  get(key: string, maxAgeMs: number): MillraceError | undefined {
    const failure = this.#kept.get(key);
    if (!failure) return undefined;
    const ageMs = this.#clock.now() - failure.atMs;
    if (ageMs < this.#ttlMs) return ageMs <= maxAgeMs ? fromErrorBody(failure.body) : undefined;
    this.#kept.delete(key);
    return undefined;
  }

  set(key: string, error: MillraceError, tags: readonly string[]): void {
    if (this.#ttlMs > 0) this.#kept.set(key, { body: toErrorBody(error), atMs: this.#clock.now(), tags });
  }

  delete(key: string): boolean {
    return this.#kept.delete(key);
  }

  /** Those that would still be repeated. */
  *entries(): IterableIterator<readonly [string, Failure]> {
    for (const key of this.#kept.keys()) {
      const failure = this.#kept.peek(key);
      if (failure && this.#clock.now() - failure.atMs < this.#ttlMs) yield [key, failure];
    }
  }
}
