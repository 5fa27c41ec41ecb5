import {
  type Client,
  type Frame,
  formatCursor,
  type Gap,
  MillraceError,
  type SubscriptionStatus,
} from "@millrace/client";
import { FRAMES_SHOWN_MAX, REDRAW_MS } from "./limits.ts";

export type TailOptions = {
  readonly client: Client;
  readonly stream: string;
  /** Called for each frame, in order. */
  readonly apply?: (frame: Frame) => void;
  readonly changed: () => void;
};

/** Follows a stream for the page: keeps the newest frames, counts them all, can be paused and goes on where it was. */
export class Tail {
  readonly #options: TailOptions;
  readonly frames: Frame[] = [];
  /** Frames up to this `seq` are safe from a power cut; undefined while that is not known. */
  durable: number | undefined;
  seen = 0;
  gap: Gap | undefined;
  error: MillraceError | undefined;
  status: SubscriptionStatus["state"] = "connecting";
  isPaused = false;
  #cursor: string | undefined;
  #abort = new AbortController();
  #redraw: ReturnType<typeof setTimeout> | undefined;

  constructor(options: TailOptions) {
    this.#options = options;
  }

  start(after?: string): void {
    this.#cursor = after;
    void this.#follow();
  }

  toggle(): void {
    this.isPaused = !this.isPaused;
    if (this.isPaused) this.#abort.abort();
    else void this.#follow();
    this.#options.changed();
  }

  close(): void {
    clearTimeout(this.#redraw);
    this.#abort.abort();
  }

  async #follow(): Promise<void> {
    const abort = new AbortController();
    this.#abort = abort;
    this.error = undefined;
    const { client, stream } = this.#options;
    const onStatus = ({ state }: SubscriptionStatus) => {
      if (this.#abort === abort) this.status = state;
      this.#changed();
    };
    const onGap = (gap: Gap) => {
      this.gap = gap;
      // Frames that were seen may not have been kept: what is durable counts anew.
      if (gap.reason === "epoch") this.durable = gap.first - 1;
    };
    const onDurable = (seq: number) => {
      this.durable = seq;
      this.#changed();
    };
    try {
      for await (const frame of client
        .stream(stream)
        .subscribe({ after: this.#cursor, signal: abort.signal, onStatus, onGap, onDurable })) {
        if (abort.signal.aborted) return;
        this.#take(frame);
      }
    } catch (error) {
      this.error = MillraceError.from(error);
      this.#changed();
    }
  }

  #take(frame: Frame): void {
    this.#cursor = formatCursor(frame);
    this.seen++;
    this.frames.push(frame);
    if (this.frames.length > FRAMES_SHOWN_MAX * 2) this.frames.splice(0, this.frames.length - FRAMES_SHOWN_MAX);
    this.#options.apply?.(frame);
    this.#changed();
  }

  /** Many frames are one drawing. */
  #changed(): void {
    this.#redraw ??= setTimeout(() => {
      this.#redraw = undefined;
      this.#options.changed();
    }, REDRAW_MS);
  }
}
