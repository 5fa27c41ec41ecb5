/** A frame as readers get it: its place and its JSON, the same string for all of them. */
export type StoredFrame = {
  readonly seq: number;
  readonly json: string;
  /** Monotonic milliseconds at which it was numbered; undefined when it was read back from the log. */
  readonly numberedAtMs?: number;
};
