import type { Clock } from "@millrace/core";
import { type Alert, type Frame, type Seq, type StreamEvent, SYSTEM_STREAM } from "@millrace/protocol";
import type { LogReader, Sequencer } from "@millrace/stream";
import { type AlertEvent, alertId } from "./alerts.ts";
import { FRAMES_RETRY_MS, FRAMES_SEARCHED, FRAMES_WAITING_MAX } from "./limits.ts";

export type AlertStreamOptions = { readonly sequencer: Sequencer; readonly reader: LogReader; readonly clock: Clock };

/** Writes alerts as frames of the stream `_system`, in order; while the store refuses them, later. */
export class AlertStream {
  readonly #options: AlertStreamOptions;
  readonly #waiting: StreamEvent<Alert>[] = [];
  /** On their way to the store. */
  #sent = 0;
  #isWriting = false;
  #isClosed = false;
  #cancel = () => {};
  /** Frames given up, since too many waited for the store. */
  lost = 0;

  constructor(options: AlertStreamOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#waiting.length + this.#sent;
  }

  put({ kind, alert }: AlertEvent): void {
    const id = alertId(alert);
    // One that was written although its answer was lost is not written again.
    this.#waiting.push({ type: `alert.${kind}`, id, data: alert, messageId: `${kind}:${id}:${alert.sinceMs}` });
    this.#trim();
    void this.#write();
  }

  /** Ends what the last process left open: what of it still holds is raised anew. Rejects when the log cannot be read. */
  async recover(): Promise<void> {
    const open = new Map<string, Frame<Alert>>();
    for (const frame of await this.#newest()) {
      if (frame.type === "alert.raised") open.set(frame.id, frame);
      else open.delete(frame.id);
    }
    const hint = "the engine was started again; what still holds is raised anew";
    for (const { data } of open.values()) this.put({ kind: "cleared", alert: { ...data, hint } });
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel();
  }

  async #newest(): Promise<readonly Frame<Alert>[]> {
    const { reader } = this.#options;
    const [entry] = await reader.list(SYSTEM_STREAM, 1);
    if (entry?.stream !== SYSTEM_STREAM) return [];
    const seq = Math.max(entry.first - 1, entry.head - FRAMES_SEARCHED) as Seq;
    const { frames } = await reader.frames(SYSTEM_STREAM, { epoch: entry.epoch, seq }, FRAMES_SEARCHED);
    return frames.map(({ json }) => JSON.parse(json) as Frame<Alert>);
  }

  async #write(): Promise<void> {
    if (this.#isWriting) return;
    this.#isWriting = true;
    while (this.#waiting.length > 0 && !this.#isClosed) {
      const events = this.#waiting.splice(0);
      this.#sent = events.length;
      const isWritten = await this.#options.sequencer.append(SYSTEM_STREAM, events).then(
        () => true,
        () => false,
      );
      this.#sent = 0;
      if (isWritten) continue;
      this.#waiting.unshift(...events);
      this.#trim();
      await this.#pause();
    }
    this.#isWriting = false;
  }

  #trim(): void {
    const over = Math.max(0, this.#waiting.length - FRAMES_WAITING_MAX);
    this.#waiting.splice(0, over);
    this.lost += over;
  }

  #pause(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(FRAMES_RETRY_MS, resolve);
      this.#cancel = () => {
        cancel();
        resolve();
      };
    });
  }
}
