import { MillraceError } from "@millrace/core";
import { isFrameType, type Log, type StreamEvent, type StreamId } from "@millrace/protocol";
import { COUNTED_TYPES_MAX, TRANSLATED_APPEND_MAX, TRANSLATED_EVENTS_MAX, TRANSLATOR_STATES_MAX } from "../limits.ts";
import { TopCounts } from "./top-counts.ts";
import { type TranslatorChanges, type TranslatorState, TranslatorStates } from "./translator-states.ts";

/** Characters of a type name or error message that are kept. */
const SHOWN_CHARS = 80;
const MESSAGE_CHARS = 400;

/**
 * Turns one event of a foreign type into events of frame types, in order; none is an answer as well. `state` is what it kept at earlier
 * events of the same stream. May throw: the event is then kept as a `log` frame. `correlation` and `messageId` are carried over for it.
 */
export type Translator<Data = unknown> = (event: StreamEvent<Data>, state: TranslatorState) => readonly StreamEvent[];

/** Translators that belong together, by event type. */
export type TranslatorSet = Readonly<Record<string, Translator<never>>>;

export type TranslatorsOptions = {
  /** Told of a translator that threw, with the type of the event and its stream. */
  readonly onError?: (error: unknown, type: string, stream: StreamId) => void;
  readonly statesMax?: number;
};

/** What was translated otherwise than planned; the names are the most frequent ones. */
export type TranslatorCounts = {
  /** Events of a type that is no frame type and has no translator; kept as `log` frames. */
  readonly unknown: number;
  /** Translations that threw or answered with something else than events of frame types; the event was kept as a `log` frame. */
  readonly failed: number;
  readonly unknownTypes: readonly (readonly [type: string, count: number])[];
  readonly failedTypes: readonly (readonly [type: string, count: number])[];
};

/** For which state and stream a translator runs, and how many events the append still has room for. */
type Run = { readonly name: string; readonly stream: StreamId; readonly room: number };

/** The translators of one engine. */
export function createTranslators(options: TranslatorsOptions = {}): Translators {
  return new Translators(options);
}

/** A registry of translators, and the one place where events become events of frame types. */
export class Translators {
  readonly #byType = new Map<string, Translator[]>();
  readonly #states: TranslatorStates;
  readonly #onError: (error: unknown, type: string, stream: StreamId) => void;
  readonly #unknownTypes = new TopCounts(COUNTED_TYPES_MAX);
  readonly #failedTypes = new TopCounts(COUNTED_TYPES_MAX);
  #unknown = 0;
  #failed = 0;

  constructor({ onError = () => {}, statesMax = TRANSLATOR_STATES_MAX }: TranslatorsOptions) {
    this.#onError = onError;
    this.#states = new TranslatorStates(statesMax);
  }

  get counts(): TranslatorCounts {
    const unknownTypes = this.#unknownTypes.entries();
    return { unknown: this.#unknown, failed: this.#failed, unknownTypes, failedTypes: this.#failedTypes.entries() };
  }

  /** States kept between events, for the metric. */
  get stateCount(): number {
    return this.#states.count;
  }

  /** Adds a translator for an event type; those of one type answer one after the other. `invalid_argument` for a frame type: these pass. */
  add<Data>(type: string, translator: Translator<Data>): this {
    if (type === "" || isFrameType(type)) {
      const message = `a translator cannot be added for ${JSON.stringify(type)}: events of frame types pass as they are; use another type`;
      throw new MillraceError("invalid_argument", message);
    }
    const added = this.#byType.get(type);
    if (added) added.push(translator as Translator);
    else this.#byType.set(type, [translator as Translator]);
    return this;
  }

  addAll(set: TranslatorSet): this {
    for (const [type, translator] of Object.entries(set)) this.add(type, translator);
    return this;
  }

  /**
   * The events as events of frame types, in order. The same array when all of them are, which is the plain path and allocates nothing.
   * Translate what is new only: a duplicate must not be seen twice. Never throws for what an event holds.
   */
  translate(events: readonly StreamEvent[], stream: StreamId): readonly StreamEvent[] {
    this.#states.keep();
    let translated: StreamEvent[] | undefined;
    for (let at = 0; at < events.length; at++) {
      const event = events[at] as StreamEvent;
      if (isFrameType(event.type)) {
        translated?.push(event);
        continue;
      }
      translated ??= events.slice(0, at);
      this.#translateInto(translated, event, stream);
    }
    return translated ?? events;
  }

  /** Takes back what the last `translate` changed in the translators' states: for when its events were refused. */
  revert(): void {
    this.#states.revertTo(0);
  }

  /** What the last `translate` changed; give it to `takeBack` when the frames it led to were not kept. */
  take(): TranslatorChanges | undefined {
    return this.#states.take();
  }

  takeBack(changes: TranslatorChanges): void {
    this.#states.takeBack(changes);
  }

  /** The stream is gone, and with it what translators kept of it. */
  forget(stream: StreamId): void {
    if (this.#states.count > 0) this.#states.forget(stream);
  }

  #translateInto(translated: StreamEvent[], event: StreamEvent, stream: StreamId): void {
    const translators = this.#byType.get(event.type);
    if (translators === undefined) {
      translated.push(carried(this.#asUnknown(event), event, true));
      return;
    }
    const first = translated.length;
    for (const [at, translator] of translators.entries()) {
      const room = TRANSLATED_APPEND_MAX - translated.length;
      for (const made of this.#run(translator, event, { name: `${event.type}#${at}`, stream, room }))
        translated.push(made);
    }
    for (let at = first; at < translated.length; at++) {
      translated[at] = carried(translated[at] as StreamEvent, event, at === first);
    }
  }

  #run(translator: Translator, event: StreamEvent, { name, stream, room }: Run): readonly StreamEvent[] {
    const mark = this.#states.mark();
    this.#states.enter(stream, name);
    try {
      const made = translator(event, this.#states);
      checkMade(made, event.type, room);
      return made;
    } catch (error) {
      this.#states.revertTo(mark);
      return this.#asFailed(event, error, stream);
    }
  }

  #asUnknown({ type, id, data }: StreamEvent): StreamEvent<Log> {
    this.#unknown++;
    this.#unknownTypes.add(type.slice(0, SHOWN_CHARS));
    return logEvent(id, { type, data });
  }

  #asFailed({ type, id, data }: StreamEvent, error: unknown, stream: StreamId): readonly StreamEvent[] {
    this.#failed++;
    this.#failedTypes.add(type.slice(0, SHOWN_CHARS));
    try {
      this.#onError(error, type, stream);
    } catch {
      // Whoever is told of an error cannot be helped with one; the event is kept all the same.
    }
    const message = (error instanceof Error ? error.message : String(error)).slice(0, MESSAGE_CHARS);
    return [logEvent(id, { level: "error", type, message, data })];
  }
}

/** The event with the correlation and, on the first of several, the message id of what it was made of: one id on two would drop one (I3). */
function carried(made: StreamEvent, from: StreamEvent, isFirst: boolean): StreamEvent {
  const { messageId: _own, ...rest } = made;
  const correlation = made.correlation ?? from.correlation;
  return {
    ...rest,
    ...(correlation === undefined ? {} : { correlation }),
    ...(isFirst && from.messageId !== undefined ? { messageId: from.messageId } : {}),
  };
}

function checkMade(made: readonly StreamEvent[], type: string, room: number): void {
  if (!Array.isArray(made)) throw new TypeError(`the translator for ${type} gave ${typeof made}, not a list of events`);
  if (made.length > TRANSLATED_EVENTS_MAX)
    throw new RangeError(`the translator for ${type} gave ${made.length} events; at most ${TRANSLATED_EVENTS_MAX}`);
  if (made.length > 1 && made.length > room)
    throw new RangeError(`one append would become more than ${TRANSLATED_APPEND_MAX} events; send fewer at once`);
  for (const event of made as readonly StreamEvent[]) {
    if (typeof event?.type !== "string" || !isFrameType(event.type))
      throw new TypeError(`the translator for ${type} gave an event of type ${String(event?.type)}, no frame type`);
  }
}

function logEvent(id: string | undefined, data: Log): StreamEvent<Log> {
  return id === undefined ? { type: "log", data } : { type: "log", id, data };
}
