import { Duplex, type Transform } from "node:stream";
import { constants, createInflate, createInflateRaw } from "node:zlib";

/**
 * The coding `deflate`, which by RFC 9110 is a zlib stream and which servers also send without its header, as browsers take it: the first
 * byte tells (a zlib header's low half is 8, which no first block of a raw stream is that begins as encoders begin).
 */
export class Inflate extends Duplex {
  #inner: Transform | undefined;

  override _write(chunk: Uint8Array, _: BufferEncoding, done: (error?: Error | null) => void): void {
    const inner = this.#open(chunk);
    if (inner.write(chunk)) done();
    else inner.once("drain", () => done());
  }

  override _final(done: () => void): void {
    if (this.#inner) this.#inner.end();
    else this.push(null);
    done();
  }

  override _read(): void {
    this.#inner?.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#inner?.destroy();
    done(error);
  }

  #open(chunk: Uint8Array): Transform {
    if (this.#inner) return this.#inner;
    const finishFlush = constants.Z_SYNC_FLUSH;
    const inner = ((chunk[0] ?? 0) & 15) === 8 ? createInflate({ finishFlush }) : createInflateRaw({ finishFlush });
    inner.on("data", (plain) => {
      if (!this.push(plain)) inner.pause();
    });
    inner.on("end", () => this.push(null));
    inner.on("error", (error) => this.destroy(error));
    this.#inner = inner;
    return inner;
  }
}
