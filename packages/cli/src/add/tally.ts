/** What an add has come to so far; the bar, the summary and `--json` all read it. */
import { type MillraceError, systemClock } from "@millrace/core";

export type AddError = { readonly source: string; readonly code: string; readonly message: string };

/** How far back the rate looks: long enough to be steady, short enough to follow a slow stretch. */
const RATE_WINDOW_MS = 5_000;

export class Tally {
  readonly errors: AddError[] = [];
  readonly jobs: string[] = [];
  /** Sources meant to be added, those refused before they were sent included. */
  total = 0;
  stored = 0;
  unchanged = 0;
  chunks = 0;
  bytes = 0;
  /** The one that was settled last. */
  latest = "";
  readonly #startedMs = systemClock.monotonic();
  readonly #samples: { readonly atMs: number; readonly settled: number }[] = [];

  get settled(): number {
    return this.stored + this.errors.length;
  }

  /** Sources not settled; after the end, those an interrupted job left. */
  get open(): number {
    return this.total - this.settled;
  }

  get tookMs(): number {
    return systemClock.monotonic() - this.#startedMs;
  }

  storedOne(about: { source: string; chunks: number; bytes: number; unchanged: boolean }): void {
    this.stored++;
    this.chunks += about.chunks;
    this.bytes += about.bytes;
    if (about.unchanged) this.unchanged++;
    this.latest = about.source;
  }

  failedOne(source: string, { code, message }: Pick<MillraceError, "code" | "message">): void {
    this.errors.push({ source, code, message });
    this.latest = source;
  }

  /** Sources settled a second over the last seconds; takes a sample. */
  rate(): number {
    const atMs = this.tookMs;
    // The time until the first one is start-up, and would make the rest look slow.
    if (this.settled === 0) this.#samples.length = 0;
    this.#samples.push({ atMs, settled: this.settled });
    while (this.#samples.length > 2 && (this.#samples[1]?.atMs ?? atMs) < atMs - RATE_WINDOW_MS) this.#samples.shift();
    const [first] = this.#samples;
    if (!first || first.atMs === atMs) return 0;
    return ((this.settled - first.settled) / (atMs - first.atMs)) * 1000;
  }
}
