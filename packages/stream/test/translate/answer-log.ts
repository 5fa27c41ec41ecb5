import type { StreamEvent, StreamId, TextDeltaInput } from "@millrace/protocol";
import type { LifecycleRow } from "../../src/lifecycle/entity-table.ts";
import { Lifecycles } from "../../src/lifecycle/lifecycles.ts";
import { createTranslators, type TranslatorSet } from "../../src/translate/translators.ts";

const STREAM = "chat:1" as StreamId;

/** Translators and lifecycles together, as a stream has them: what the translators make must be what the lifecycles take. */
export class AnswerLog {
  readonly translators;
  readonly lifecycles = new Lifecycles();
  readonly frames: StreamEvent[] = [];
  readonly #rows: LifecycleRow[] = [];

  constructor(set: TranslatorSet) {
    this.translators = createTranslators().addAll(set);
  }

  append(...events: readonly StreamEvent[]): void {
    const ready = this.lifecycles.check(this.translators.translate(events, STREAM));
    for (const event of ready) this.lifecycles.apply(event, this.frames.push(event), this.#rows);
  }

  /** Frames in short: type and id. */
  get line(): string[] {
    return this.frames.map(({ type, id }) => (id === undefined ? type : `${type} ${id}`));
  }

  /** The text that a reader of the frames puts together. */
  text(type: string, id: string): string {
    let text = "";
    for (const frame of this.frames) {
      if (frame.type !== type || frame.id !== id) continue;
      const { offset, append } = frame.data as TextDeltaInput;
      text = text.slice(0, offset) + append;
    }
    return text;
  }

  /** What the frames of a type carry. */
  data(type: string): unknown[] {
    return this.frames.filter((frame) => frame.type === type).map(({ data }) => data);
  }

  /** Anomalies are a sign of a translator that begins or ends something wrongly. */
  get anomalies(): number {
    return Object.values(this.lifecycles.counters.anomalies).reduce((sum, count) => sum + count, 0);
  }
}
