/**
 * The newest frames in an array that is copied to be trimmed: what is written first, and what costs as much as it holds with every frame once
 * it is full. A snapshot is a copy of its end.
 */
export class CopyTrimBuffer<Frame> {
  #frames: Frame[] = [];
  readonly #countMax: number;

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  add(frame: Frame): void {
    this.#frames = [...this.#frames, frame];
    if (this.#frames.length > this.#countMax) this.#frames = this.#frames.slice(this.#frames.length - this.#countMax);
  }

  snapshot(count: number): Frame[] {
    return this.#frames.slice(-count).map((frame) => ({ ...frame }));
  }
}
