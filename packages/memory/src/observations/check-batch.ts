/** What must hold of a batch before it is accepted; after that nothing of it is looked at with suspicion. */
import { MillraceError } from "@millrace/core";
import { type ObservationBatch, type ObservationMeta, vectorBytes } from "@millrace/protocol";
import { isDeeperThan } from "@millrace/stream";
import {
  BATCH_BYTES_MAX,
  BATCH_META_BYTES_MAX,
  BATCH_OBSERVATIONS_MAX,
  LABEL_CHARS_MAX,
  OBSERVATION_ID_CHARS_MAX,
  OBSERVATION_LINKS_MAX,
  OBSERVATION_TEXT_CHARS_MAX,
  PAYLOAD_DEPTH_MAX,
  TTL_MS_MAX,
} from "./limits.ts";

const decoder = new TextDecoder("utf-8", { fatal: true });
const LABELS = ["what", "where", "who", "why"] as const;
/** A full record: a new field does not compile until it is here. */
const FIELDS: Readonly<Record<keyof ObservationMeta, true>> = {
  ...{ id: true, text: true, what: true, where: true, who: true, why: true, whenMs: true },
  ...{ confidence: true, importance: true, ttlMs: true, links: true, payload: true },
};
const KNOWN: ReadonlySet<string> = new Set(Object.keys(FIELDS));

/** Throws the error of the first thing that is wrong, naming the observation by its place in the batch. */
export function checkBatch(batch: ObservationBatch, dims: number): void {
  const { count, vectors, meta, encoding } = batch;
  if (!Number.isInteger(count) || count < 1 || count > BATCH_OBSERVATIONS_MAX) {
    throw refusal("too_large", `the batch has ${count} observations; send 1 to ${BATCH_OBSERVATIONS_MAX} at once`);
  }
  if (batch.dims !== dims) {
    throw refusal(
      "dimension_mismatch",
      `the vectors have ${batch.dims} dimensions; the space holds vectors of ${dims}`,
    );
  }
  if (!Number.isSafeInteger(batch.firstSeq) || batch.firstSeq < 0) {
    throw refusal("invalid_argument", `firstSeq is ${batch.firstSeq}; number observations from 1, or send 0`);
  }
  const bytes = vectors.byteLength + meta.byteLength;
  if (bytes > BATCH_BYTES_MAX) {
    throw refusal("too_large", `the batch has ${bytes} bytes; send at most ${BATCH_BYTES_MAX} at once`);
  }
  const size = vectorBytes(encoding, dims);
  if (vectors.byteLength !== count * size) {
    const told = `${count} vectors of ${dims} dimensions as ${encoding} take ${count * size} bytes`;
    throw refusal("invalid_argument", `${told}; the batch has ${vectors.byteLength}`);
  }
  checkVectors(batch, size);
  checkMeta(meta, count);
}

/** Every number is finite. A product with 0 is 0 for those and NaN for others, which sums keep. */
function checkVectors({ vectors, count, encoding, dims }: ObservationBatch, size: number): void {
  if (encoding === "i8") checkScales(vectors, { count, size });
  else if (encoding === "f32") {
    const aligned = vectors.byteOffset % 4 === 0 ? vectors : new Uint8Array(vectors);
    const numbers = new Float32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4);
    if (!areFinite(numbers)) throw notFinite(numbers, { count, dims, stride: dims });
  } else {
    const aligned = vectors.byteOffset % 2 === 0 ? vectors : new Uint8Array(vectors);
    const numbers = Float32Array.from(new Float16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 2));
    if (!areFinite(numbers)) throw notFinite(numbers, { count, dims, stride: size / 2 });
  }
}

/** Four sums, so that one addition does not wait for the one before (measured: 0.2 µs for 768 numbers instead of 0.7). */
function areFinite(numbers: Float32Array): boolean {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let at = 0;
  for (; at + 3 < numbers.length; at += 4) {
    a += (numbers[at] as number) * 0;
    b += (numbers[at + 1] as number) * 0;
    c += (numbers[at + 2] as number) * 0;
    d += (numbers[at + 3] as number) * 0;
  }
  for (; at < numbers.length; at++) a += (numbers[at] as number) * 0;
  return a + b + c + d === 0;
}

function notFinite(
  numbers: Float32Array,
  { count, dims, stride }: { readonly count: number; readonly dims: number; readonly stride: number },
): MillraceError {
  for (let row = 0; row < count; row++) {
    for (let at = 0; at < dims; at++) {
      const value = numbers[row * stride + at] as number;
      if (Number.isFinite(value)) continue;
      return refusal("invalid_argument", `number ${at} of vector ${row} is ${value}; vectors hold finite numbers`);
    }
  }
  return refusal("invalid_argument", "the padding of a vector is not zero");
}

function checkScales(vectors: Uint8Array, { count, size }: { readonly count: number; readonly size: number }): void {
  const view = new DataView(vectors.buffer, vectors.byteOffset, vectors.byteLength);
  for (let row = 0; row < count; row++) {
    const scale = view.getFloat32(row * size, true);
    if (!Number.isFinite(scale)) {
      throw refusal("invalid_argument", `the scale of vector ${row} is ${scale}; it must be a finite number`);
    }
  }
}

function checkMeta(bytes: Uint8Array, count: number): void {
  if (bytes.byteLength === 0) return;
  if (bytes.byteLength > BATCH_META_BYTES_MAX) {
    throw refusal("too_large", `the JSON of the batch has ${bytes.byteLength} bytes; at most ${BATCH_META_BYTES_MAX}`);
  }
  const metas = parseMeta(bytes);
  if (metas.length !== count) {
    throw refusal("invalid_argument", `the JSON describes ${metas.length} observations; the batch has ${count}`);
  }
  metas.forEach((meta, place) => {
    if (meta !== null) checkOne(meta, place);
  });
}

/** The JSON of a batch as its objects. */
export function parseMeta(bytes: Uint8Array): readonly (ObservationMeta | null)[] {
  let value: unknown;
  try {
    // A TextDecoder refuses shared memory, so that a view of it is copied.
    value = JSON.parse(decoder.decode(bytes.buffer instanceof SharedArrayBuffer ? new Uint8Array(bytes) : bytes));
  } catch (cause) {
    throw new MillraceError("invalid_argument", "the JSON of the batch cannot be parsed as UTF-8 JSON", { cause });
  }
  if (Array.isArray(value)) return value as (ObservationMeta | null)[];
  throw refusal("invalid_argument", "the JSON of the batch is not an array with an entry for each observation");
}

function checkOne(meta: ObservationMeta, place: number): void {
  const wrong = (field: string, rule: string): MillraceError => {
    const given = (meta as Record<string, unknown>)[field];
    const value = typeof given === "object" ? "an object" : JSON.stringify(given)?.slice(0, 80);
    return refusal("invalid_argument", `${field} of observation ${place} is ${value}; ${rule}`);
  };
  if (typeof meta !== "object" || Array.isArray(meta)) {
    throw refusal("invalid_argument", `observation ${place} is described by no object`);
  }
  for (const field in meta) if (!KNOWN.has(field)) throw wrong(field, `known fields are ${[...KNOWN].join(", ")}`);
  const isText = (value: unknown, max: number) => typeof value === "string" && value.length > 0 && value.length <= max;
  if (meta.id !== undefined && !(isText(meta.id, OBSERVATION_ID_CHARS_MAX) && !meta.id.startsWith("~"))) {
    throw wrong("id", `use 1 to ${OBSERVATION_ID_CHARS_MAX} characters that do not begin with ~`);
  }
  if (meta.text !== undefined && !isText(meta.text, OBSERVATION_TEXT_CHARS_MAX)) {
    throw wrong("text", `use 1 to ${OBSERVATION_TEXT_CHARS_MAX} characters`);
  }
  for (const label of LABELS) {
    if (meta[label] !== undefined && !isText(meta[label], LABEL_CHARS_MAX)) {
      throw wrong(label, `use 1 to ${LABEL_CHARS_MAX} characters`);
    }
  }
  checkNumbers(meta, wrong);
  if (meta.links !== undefined && !areLinks(meta.links)) {
    throw wrong("links", `use at most ${OBSERVATION_LINKS_MAX} ids of observations`);
  }
  if (
    meta.payload !== undefined &&
    (typeof meta.payload !== "object" || meta.payload === null || Array.isArray(meta.payload))
  ) {
    throw wrong("payload", "use a JSON object");
  }
  if (isDeeperThan(PAYLOAD_DEPTH_MAX, meta)) {
    throw wrong("payload", `nest at most ${PAYLOAD_DEPTH_MAX} levels deep; flatten it, or put it into a string`);
  }
}

function checkNumbers(meta: ObservationMeta, wrong: (field: string, rule: string) => MillraceError): void {
  const isIn = (value: unknown, min: number, max: number) => typeof value === "number" && value >= min && value <= max;
  for (const field of ["confidence", "importance"] as const) {
    if (meta[field] !== undefined && !isIn(meta[field], 0, 1)) throw wrong(field, "use 0 to 1");
  }
  if (meta.whenMs !== undefined && !isIn(meta.whenMs, -8.64e15, 8.64e15)) {
    throw wrong("whenMs", "use milliseconds since 1970");
  }
  if (meta.ttlMs !== undefined && !isIn(meta.ttlMs, 1, TTL_MS_MAX)) throw wrong("ttlMs", `use 1 to ${TTL_MS_MAX}`);
}

function areLinks(links: unknown): boolean {
  if (!Array.isArray(links) || links.length > OBSERVATION_LINKS_MAX) return false;
  return links.every((id) => typeof id === "string" && id.length > 0 && id.length <= OBSERVATION_ID_CHARS_MAX);
}

function refusal(code: "invalid_argument" | "too_large" | "dimension_mismatch", message: string): MillraceError {
  return new MillraceError(code, message);
}
