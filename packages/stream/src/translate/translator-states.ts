import type { StreamId } from "@millrace/protocol";

/** What a translator keeps between the events of one stream. Values are replaced, never changed in place. */
export type TranslatorState = {
  get<Value>(key: string): Value | undefined;
  set(key: string, value: object): void;
  delete(key: string): void;
};

/** What was changed, in order, and what it was before. */
export type TranslatorChanges = readonly (readonly [key: string, before: object | undefined])[];

/** Cannot be in the name of a stream, so keys of two streams never meet. */
const SEPARATOR = "\n";

/**
 * The states of all translators of one engine, bounded: past the limit the one written least recently is given up. Changes since a mark can
 * be taken back, so that an append which is refused, or a translator that throws, leaves no trace.
 */
export class TranslatorStates implements TranslatorState {
  readonly #statesMax: number;
  readonly #values = new Map<string, object>();
  readonly #undo: (readonly [key: string, before: object | undefined])[] = [];
  #prefix = "";

  constructor(statesMax: number) {
    this.#statesMax = statesMax;
  }

  get count(): number {
    return this.#values.size;
  }

  /** Whose states `get`, `set` and `delete` are about from here on. */
  enter(stream: StreamId, translator: string): void {
    this.#prefix = stream + SEPARATOR + translator + SEPARATOR;
  }

  get<Value>(key: string): Value | undefined {
    return this.#values.get(this.#prefix + key) as Value | undefined;
  }

  set(key: string, value: object): void {
    this.#put(this.#prefix + key, value);
    if (this.#values.size <= this.#statesMax) return;
    for (const oldest of this.#values.keys()) {
      this.#put(oldest, undefined);
      return;
    }
  }

  delete(key: string): void {
    this.#put(this.#prefix + key, undefined);
  }

  /** Number of changes that can be taken back: give it to `revertTo`. */
  mark(): number {
    return this.#undo.length;
  }

  revertTo(mark: number): void {
    while (this.#undo.length > mark) {
      const [key, before] = this.#undo.pop() ?? [""];
      this.#values.delete(key);
      if (before !== undefined) this.#values.set(key, before);
    }
  }

  /** Changes made so far stay. */
  keep(): void {
    if (this.#undo.length > 0) this.#undo.length = 0;
  }

  /** As `keep`, with what `takeBack` needs; undefined when nothing was changed. */
  take(): TranslatorChanges | undefined {
    return this.#undo.length > 0 ? this.#undo.splice(0) : undefined;
  }

  /** Takes changes back that were kept. Of several, the newest first. */
  takeBack(changes: TranslatorChanges): void {
    for (const [key, before] of changes.toReversed()) {
      this.#values.delete(key);
      if (before !== undefined) this.#values.set(key, before);
    }
  }

  /** Everything that is kept of a stream. */
  forget(stream: StreamId): void {
    for (const key of this.#values.keys()) if (key.startsWith(stream + SEPARATOR)) this.#values.delete(key);
  }

  #put(key: string, value: object | undefined): void {
    this.#undo.push([key, this.#values.get(key)]);
    this.#values.delete(key);
    if (value !== undefined) this.#values.set(key, value);
  }
}
