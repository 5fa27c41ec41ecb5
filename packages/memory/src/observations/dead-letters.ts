import { DEAD_LETTERS_MAX } from "./limits.ts";

/** An observation that was accepted and could not be indexed; its vector is in the log. Or rows of a damaged record of the log: `session` is empty. */
export type DeadLetter = {
  readonly session: string;
  readonly seq: number;
  readonly row: number;
  readonly code: string;
  readonly message: string;
};

/** The latest dead letters of each space, and how many there were. */
export class DeadLetters {
  readonly #bySpace = new Map<number, DeadLetter[]>();
  count = 0;

  add(space: number, letter: DeadLetter): void {
    const letters = this.#bySpace.get(space) ?? [];
    letters.push(letter);
    if (letters.length > DEAD_LETTERS_MAX) letters.shift();
    this.#bySpace.set(space, letters);
    this.count++;
  }

  /** Oldest first. */
  of(space: number): readonly DeadLetter[] {
    return this.#bySpace.get(space) ?? [];
  }

  drop(space: number): void {
    this.#bySpace.delete(space);
  }
}
