import type { StreamId } from "@millrace/protocol";
import { BATCH_FORMS_MAX } from "./limits.ts";
import type { StoredFrame } from "./stored-frame.ts";

/**
 * Frames of one stream that follow one another, as they are handed to followers. Followers at the same place get the same batch, so the
 * bytes of a wire form are built once and shared by all of them.
 */
export class Batch {
  readonly stream: StreamId;
  /** The stream's epoch when the batch was made: that of cursors given out for these frames. */
  readonly epoch: string;
  /** One or more, in order, without a hole. */
  readonly frames: readonly StoredFrame[];
  /** UTF-16 units of the frames' JSON. */
  readonly chars: number;
  #encodings: Map<string, Buffer> | undefined;

  constructor(stream: StreamId, epoch: string, frames: readonly StoredFrame[]) {
    this.stream = stream;
    this.epoch = epoch;
    this.frames = frames;
    let chars = 0;
    for (const { json } of frames) chars += json.length;
    this.chars = chars;
  }

  get first(): number {
    return this.frames[0]?.seq ?? 0;
  }

  get last(): number {
    return this.frames.at(-1)?.seq ?? 0;
  }

  /** When the newest was numbered; undefined when it comes from the log. */
  get numberedAtMs(): number | undefined {
    return this.frames.at(-1)?.numberedAtMs;
  }

  /** The bytes of the batch in the wire form `form`: built by the first who asks, shared by the others. They must not be changed. */
  encoded(form: string, build: (batch: Batch) => Buffer): Buffer {
    const known = this.#encodings?.get(form);
    if (known) return known;
    const bytes = build(this);
    this.#encodings ??= new Map();
    if (this.#encodings.size < BATCH_FORMS_MAX) this.#encodings.set(form, bytes);
    return bytes;
  }
}
