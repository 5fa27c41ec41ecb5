import { elementAt, elementOffsets } from "./json-elements.ts";

/** Bytes of JSON that are kept: what the results of some recalls said. */
const BYTES_MAX = 4 * 1024 * 1024;

type Kept = { readonly bytes: Uint8Array; readonly offsets: Uint32Array };

/** The JSON of records that were looked at lately: results come from the same ones again and again. */
export class RecentMetas {
  /** The one used last is the last. */
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  /** Element `place` of the record's JSON, which `read` gives if it is not kept. `key` names it: a record never changes. */
  element(key: string, place: number, read: () => Uint8Array): unknown {
    const kept = this.#kept.get(key) ?? this.#keep(key, read());
    return elementAt(kept.bytes, kept.offsets, place);
  }

  #keep(key: string, bytes: Uint8Array): Kept {
    const kept = { bytes, offsets: elementOffsets(bytes) };
    this.#kept.set(key, kept);
    this.#bytes += bytes.byteLength;
    for (const [oldest, { bytes: gone }] of this.#kept) {
      if (this.#bytes <= BYTES_MAX || oldest === key) break;
      this.#kept.delete(oldest);
      this.#bytes -= gone.byteLength;
    }
    return kept;
  }
}
