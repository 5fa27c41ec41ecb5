/** The sources of a list that wait to be read: in order, but those of an origin that is not to be asked now after the others. */
import { type Clock, MillraceError } from "@millrace/core";
import type { PageReader, ReadSource } from "@millrace/extract";

export type ReadTask = { readonly index: number; readonly source: ReadSource; readonly name: string };

/** How long a source may wait for its origin while another origin's could be read: as long as a page takes, so that a lane is not lost to it. */
const ORIGIN_WAIT_MS_MAX = 1_000;

/** What is shorter is the pause between two pages, or between two probes of an origin, and no reason to give it up. */
const PAUSE_MS_MAX = 1_000;

export type SourceQueueOptions = {
  readonly tasks: readonly ReadTask[];
  readonly reader: Pick<PageReader, "originWaitMs">;
  readonly clock: Clock;
  /** No source is put off beyond it: the time in which all would be read if each took all of its own. */
  readonly budgetMs: number;
};

export class SourceQueue {
  readonly #reader: SourceQueueOptions["reader"];
  readonly #clock: Clock;
  readonly #endMs: number;
  readonly #waiting: ReadTask[];
  /** When an origin may be asked again, and when a source that was put off may be tried again. */
  readonly #untilMs = new Map<string, number>();
  /** Origins that were left alone, or sources that met one on their way, by when they would be tried: they get one other chance. */
  readonly #chancesMs = new Map<string, number>();

  constructor({ tasks, reader, clock, budgetMs }: SourceQueueOptions) {
    this.#reader = reader;
    this.#clock = clock;
    this.#endMs = clock.monotonic() + budgetMs;
    this.#waiting = [...tasks];
  }

  get size(): number {
    return this.#waiting.length;
  }

  /** The first that may be read now; undefined when there is none. */
  take(): ReadTask | undefined {
    const at = this.#waiting.findIndex((task) => this.#waitMsOf(task) === 0);
    return at === -1 ? undefined : this.#waiting.splice(at, 1)[0];
  }

  /** Until `take` gives one; to be asked while some wait. */
  get waitMs(): number {
    return Math.min(...this.#waiting.map((task) => this.#waitMsOf(task)));
  }

  /** How long `task` may wait for its origin: little while another origin's source could be read, else all its time. */
  originWaitMsMax(task: ReadTask): number | undefined {
    const own = originOf(task);
    const hasOthers = this.#waiting.some((other) => originOf(other) !== own && this.#waitMsOf(other) === 0);
    const isLastChance = placesOf(task).some((place) => this.#chancesMs.has(place));
    return hasOthers && !isLastChance ? ORIGIN_WAIT_MS_MAX : undefined;
  }

  /** A page came from its origin, which has another chance if it fails again. */
  succeeded(task: ReadTask): void {
    for (const place of placesOf(task)) this.#chancesMs.delete(place);
  }

  /**
   * Puts a source off until its origin may be asked; undefined then. Else the error to be told of it: `failure` where that is no matter of
   * time, and the same with the reason for an origin that failed again after it was waited for, or is away for longer than there is time.
   */
  putOff(task: ReadTask, failure: unknown): MillraceError | undefined {
    const error = MillraceError.from(failure);
    const { code, retryAfterMs } = error;
    if (retryAfterMs === undefined || !isOfOrigin(code)) return error;
    const isLeftAlone = code !== "rate_limited" && retryAfterMs > PAUSE_MS_MAX;
    if (code === "fetch_failed" && !isLeftAlone) return error;
    const nowMs = this.#clock.monotonic();
    const originMs = this.#reader.originWaitMs(urlOf(task));
    const place = originMs > PAUSE_MS_MAX ? originOf(task) : ownPlace(task);
    const isLost = isLeftAlone && (this.#chancesMs.get(place) ?? Number.POSITIVE_INFINITY) <= nowMs;
    const leftMs = this.#endMs - nowMs;
    if (isLost || retryAfterMs >= leftMs)
      return code === "fetch_failed" ? error : notWaitedFor(task, error, isLost ? undefined : leftMs);
    const untilMs = nowMs + retryAfterMs;
    if (isLeftAlone) this.#chancesMs.set(place, untilMs);
    this.#untilMs.set(ownPlace(task), untilMs);
    if (originMs > 0) this.#untilMs.set(originOf(task), nowMs + originMs);
    this.#putBack(task);
    return undefined;
  }

  /** In the order of the list, so that the first that was asked for is the first to be tried again. */
  #putBack(task: ReadTask): void {
    const at = this.#waiting.findIndex(({ index }) => index > task.index);
    this.#waiting.splice(at === -1 ? this.#waiting.length : at, 0, task);
  }

  #waitMsOf(task: ReadTask): number {
    const nowMs = this.#clock.monotonic();
    return Math.max(0, ...placesOf(task).map((place) => (this.#untilMs.get(place) ?? nowMs) - nowMs));
  }
}

/** Failures that name when their origin may be asked again. */
function isOfOrigin(code: MillraceError["code"]): boolean {
  return code === "fetch_unreachable" || code === "fetch_failed" || code === "rate_limited";
}

function urlOf({ source }: ReadTask): string {
  return "url" in source ? (source.url ?? "") : "";
}

/** The origin of its address; itself for what has none. */
function originOf(task: ReadTask): string {
  return URL.parse(urlOf(task))?.origin ?? ownPlace(task);
}

function ownPlace({ index }: ReadTask): string {
  return `source ${index}`;
}

function placesOf(task: ReadTask): readonly string[] {
  return [originOf(task), ownPlace(task)];
}

function notWaitedFor(task: ReadTask, cause: MillraceError, leftMs: number | undefined): MillraceError {
  const { retryAfterMs = 0 } = cause;
  const why =
    leftMs === undefined
      ? "it was waited for once and failed again"
      : `the list has ${Math.max(0, Math.ceil(leftMs))} ms left; give it a longer timeoutMs, or ask for the page again then`;
  const name = task.name.slice(0, 200);
  return new MillraceError(cause.code, `${name} was not read: ${cause.message}; ${why}`, { retryAfterMs, cause });
}
