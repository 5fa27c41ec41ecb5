import { MillraceError, type ObservationMeta, type VectorEncoding, vectorBytes } from "@millrace/protocol";
import { writeHalves } from "./half.ts";
import { DIMS_MAX, DIMS_MIN } from "./limits.ts";

/** One thing observed: a vector, or a text that the engine embeds, or both, and what is known about it. */
export type Observation = ObservationMeta & { readonly vector?: ArrayLike<number> | undefined };

/** Observations of one call that follow one another and are alike: all with a vector, or (`dims` 0) all without. */
export type Run = {
  readonly dims: number;
  /** Bytes of a vector. */
  readonly stride: number;
  readonly vectors: Uint8Array;
  /** JSON of each, as UTF-8. */
  readonly metas: readonly Uint8Array[];
};

const encoder = new TextEncoder();
/** Least scale of an int8 vector: a smaller float has too few bits left to be a scale. */
const SCALE_MIN = 2 ** -126;
const NULL = encoder.encode("null");

/** Copies what it is given. `invalid_argument` and `dimension_mismatch` name the observation by its place. */
export function encodeObservations(observations: readonly Observation[], encoding: VectorEncoding): Run[] {
  const runs: Run[] = [];
  let dims: number | undefined;
  for (let from = 0; from < observations.length; ) {
    const first = observations[from]?.vector;
    let to = from + 1;
    while (to < observations.length && (observations[to]?.vector === undefined) === (first === undefined)) to++;
    if (first) dims = checkDims(first.length, dims, from);
    runs.push(encodeRun(observations.slice(from, to), { dims: first ? first.length : 0, encoding, from }));
    from = to;
  }
  return runs;
}

function checkDims(found: number, expected: number | undefined, place: number): number {
  if (!(found >= DIMS_MIN && found <= DIMS_MAX)) {
    const text = `the vector of observation ${place} has ${found} numbers; it must have ${DIMS_MIN} to ${DIMS_MAX}`;
    throw new MillraceError("invalid_argument", text);
  }
  if (expected === undefined || found === expected) return found;
  const text = `the vector of observation ${place} has ${found} numbers; those before it have ${expected}`;
  throw new MillraceError("dimension_mismatch", text);
}

function encodeRun(
  observations: readonly Observation[],
  { dims, encoding, from }: { readonly dims: number; readonly encoding: VectorEncoding; readonly from: number },
): Run {
  const stride = dims === 0 ? 0 : vectorBytes(encoding, dims);
  const vectors = new Uint8Array(stride * observations.length);
  const metas = observations.map(({ vector, ...meta }, at) => {
    const place = from + at;
    if (vector) {
      checkDims(vector.length, dims, place);
      if (!write(vector, { encoding, bytes: vectors, at: at * stride })) throw notWritable(place, vector, encoding);
    } else if (!meta.text) {
      throw new MillraceError("invalid_argument", `observation ${place} has neither a vector nor a text; give it one`);
    }
    return toJson(meta, place);
  });
  return { dims, stride, vectors, metas };
}

/** False when a number cannot be written in that encoding. */
function write(
  vector: ArrayLike<number>,
  { encoding, bytes, at }: { readonly encoding: VectorEncoding; readonly bytes: Uint8Array; readonly at: number },
): boolean {
  const { buffer } = bytes;
  if (encoding === "f16") return writeHalves(vector, new Uint16Array(buffer, at, vector.length));
  if (encoding === "f32") {
    const target = new Float32Array(buffer, at, vector.length);
    target.set(vector);
    // A product with 0 is 0 for what is finite and NaN for the rest, which a sum keeps.
    let sum = 0;
    for (let place = 0; place < target.length; place++) sum += (target[place] as number) * 0;
    return sum === 0;
  }
  return writeBytes(vector, new DataView(buffer, at, 4), new Int8Array(buffer, at + 4, vector.length));
}

/** The largest becomes 127; the scale by which codes are multiplied comes first. */
function writeBytes(vector: ArrayLike<number>, scaleAt: DataView, codes: Int8Array): boolean {
  let largest = 0;
  let sum = 0;
  for (let at = 0; at < vector.length; at++) {
    const value = vector[at] as number;
    largest = Math.max(largest, Math.abs(value));
    sum += value * 0;
  }
  const scale = Math.fround(largest / 127);
  if (sum !== 0 || !Number.isFinite(scale) || (largest > 0 && scale < SCALE_MIN)) return false;
  scaleAt.setFloat32(0, scale, true);
  for (let at = 0; at < codes.length; at++) {
    codes[at] = scale === 0 ? 0 : Math.max(-127, Math.min(127, Math.round((vector[at] as number) / scale)));
  }
  return true;
}

function notWritable(place: number, vector: ArrayLike<number>, encoding: VectorEncoding): MillraceError {
  const max = encoding === "f16" ? 65_519 : 3.4028234663852886e38;
  const at = Array.from(vector).findIndex((value) => !(Math.abs(value) <= max));
  if (at < 0) {
    const small = `all numbers of the vector of observation ${place} are too small for ${encoding}; scale it up, or use f32`;
    return new MillraceError("invalid_argument", small);
  }
  const text = `number ${at} of the vector of observation ${place} is ${vector[at]}; as ${encoding} it must be finite, ${max} at most`;
  return new MillraceError("invalid_argument", text);
}

function toJson(meta: ObservationMeta, place: number): Uint8Array {
  try {
    const json = JSON.stringify(meta);
    return json === "{}" ? NULL : encoder.encode(json);
  } catch (cause) {
    throw new MillraceError("invalid_argument", `observation ${place} cannot be written as JSON`, { cause });
  }
}

/** One JSON array of them; empty when none has anything to say. */
export function joinMetas(metas: readonly Uint8Array[]): Uint8Array {
  if (metas.every((meta) => meta === NULL)) return new Uint8Array();
  const joined = new Uint8Array(metas.reduce((bytes, meta) => bytes + meta.length + 1, 1));
  let at = 0;
  for (const meta of metas) {
    // A bracket before the first, commas before the others.
    joined[at] = at === 0 ? 0x5b : 0x2c;
    joined.set(meta, at + 1);
    at += meta.length + 1;
  }
  joined[at] = 0x5d;
  return joined;
}
