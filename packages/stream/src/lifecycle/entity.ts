import type { Kind, State } from "./table.ts";

/** Pieces of a text that wait to be joined: strings added up one by one cost 8 bytes a character as a rope, joined 1 or 2 (measured). */
const PIECES_MAX = 512;

/** A length nobody knows: the entity was restored without it. The next delta has to say where it stands. */
export const UNKNOWN_CHARS = -1;

/**
 * One entity in memory. The `draft…` fields hold what the events of the append being checked would make of it; they count only while
 * `draftStamp` is the stamp of that check, so that a refused append leaves nothing to take back.
 */
export class Entity {
  readonly kind: Kind;
  readonly id: string;
  state: State = "absent";
  chars = 0;
  startSeq = 0;
  endSeq: number | null = null;
  /** Length of the text at the last keyframe, or 0. */
  keyframeChars = 0;
  draftStamp = 0;
  draftState: State = "absent";
  draftChars = 0;
  draftKeyframeChars = 0;
  #text: string | undefined;
  #pieces: string[] | undefined;

  constructor(kind: Kind, id: string) {
    this.kind = kind;
    this.id = id;
  }

  get keepsText(): boolean {
    return this.#text !== undefined;
  }

  /** The whole text, while it is kept. */
  get text(): string | undefined {
    if (this.#text !== undefined && this.#pieces !== undefined) {
      this.#text += this.#pieces.join("");
      this.#pieces = undefined;
    }
    return this.#text;
  }

  beginDraft(stamp: number): void {
    this.draftStamp = stamp;
    this.draftState = this.state;
    this.draftChars = this.chars;
    this.draftKeyframeChars = this.keyframeChars;
  }

  keepText(text: string): void {
    this.#text = text;
    this.#pieces = undefined;
  }

  /** Gives up the text; the entity makes no more keyframes. Returns the characters set free. */
  dropText(): number {
    const freed = this.text?.length ?? 0;
    this.#text = undefined;
    return freed;
  }

  /** Goes back to the first `chars` characters. Returns the characters set free. */
  truncate(chars: number): number {
    this.chars = chars;
    this.keyframeChars = Math.min(this.keyframeChars, Math.max(0, chars));
    const { text } = this;
    if (text === undefined || text.length <= chars) return 0;
    this.keepText(text.slice(0, chars));
    return text.length - chars;
  }

  append(text: string): void {
    if (this.#text === undefined || text === "") return;
    if (this.#pieces === undefined) this.#pieces = [text];
    else if (this.#pieces.push(text) === PIECES_MAX) void this.text;
  }
}
