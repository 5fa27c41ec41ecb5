import { closeSync, openSync, writeSync } from "node:fs";

const BUFFERED = 1 << 16;

/** A file of 32-bit numbers, little-endian, written in large pieces. */
export class NumberFile {
  readonly #file: number;
  readonly #buffer: Int32Array | Float32Array;
  #count = 0;

  constructor(path: string, kind: "i32" | "f32" = "i32") {
    this.#file = openSync(path, "w");
    this.#buffer = kind === "i32" ? new Int32Array(BUFFERED) : new Float32Array(BUFFERED);
  }

  add(value: number): void {
    if (this.#count === BUFFERED) this.#flush();
    this.#buffer[this.#count++] = value;
  }

  addAll(values: ArrayLike<number>): void {
    for (let at = 0; at < values.length; at++) this.add(values[at] ?? 0);
  }

  end(): void {
    this.#flush();
    closeSync(this.#file);
  }

  #flush(): void {
    writeSync(this.#file, new Uint8Array(this.#buffer.buffer, 0, this.#count * 4));
    this.#count = 0;
  }
}
