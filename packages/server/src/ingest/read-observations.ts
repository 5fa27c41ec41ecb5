/** Observations of a request's body, whatever its form, as one batch. */
import { MillraceError } from "@millrace/core";
import { decodeBatch, type Lane, type ObservationBatch, type ObservationJson } from "@millrace/protocol";
import { BODY_OBSERVATIONS_MAX, createCheck, ObservationSchema } from "@millrace/protocol/schemas";
import { isDeeperThan } from "@millrace/stream";
import { bytesOf } from "./text-batch.ts";

/** Levels of a body: those of the payload of an observation, and its list. */
const JSON_DEPTH_MAX = 70;

/** What a body says. Those of `texts` have no vector yet; theirs in the batch, when it has any, are zeros. */
export type ReadObservations = {
  readonly batch: ObservationBatch;
  /** By place: what is to be embedded. */
  readonly texts: ReadonlyMap<number, string>;
};

type Parsed = { readonly where: string; readonly value: ObservationJson };

const checkObservation = createCheck("observation", ObservationSchema);

/** The content types a body may have. */
export const OBSERVATION_TYPES = [
  "application/x-millrace-observations",
  "application/x-ndjson",
  "application/json",
] as const;

/**
 * Reads a body of one of OBSERVATION_TYPES. `lane` is for observations that name none. `invalid_argument`, `too_large` and
 * `dimension_mismatch` name the first line or place that is wrong, and its field; `unsupported_type`.
 */
export function readObservations(contentType: string | undefined, body: Uint8Array, lane: Lane): ReadObservations {
  const type = contentType?.split(";")[0]?.trim().toLowerCase();
  if (type === "application/x-millrace-observations") return { batch: decodeBatch(bytesOf(body)), texts: new Map() };
  if (type === "application/x-ndjson") return toBatch(parseLines(toText(body)), lane);
  if (type === "application/json") return toBatch(parseList(toText(body)), lane);
  const text = `the body is ${JSON.stringify(type ?? "of no type")}; send it as ${OBSERVATION_TYPES.join(", ")}`;
  throw new MillraceError("unsupported_type", text);
}

/** Printing and copying go down by recursion, so that what is too deep is refused before. */
function checkDepth(where: string, value: unknown): void {
  if (!isDeeperThan(JSON_DEPTH_MAX, value)) return;
  throw new MillraceError("invalid_argument", `${where} is nested more than ${JSON_DEPTH_MAX} levels deep; flatten it`);
}

function toText(body: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch (cause) {
    throw new MillraceError("invalid_argument", "the body is not UTF-8", { cause });
  }
}

function parseLines(text: string): Parsed[] {
  const parsed: Parsed[] = [];
  text.split("\n").forEach((line, at) => {
    if (line.trim() === "") return;
    const where = `line ${at + 1}`;
    checkRoom(parsed.length);
    parsed.push({ where, value: check(where, parseJson(where, line)) });
  });
  return parsed;
}

function parseList(text: string): Parsed[] {
  const body = parseJson("the body", text) as { observations?: unknown } | null;
  const list = body?.observations;
  const names = typeof body === "object" && body !== null ? Object.keys(body) : [];
  if (!Array.isArray(list) || names.length !== 1) {
    throw new MillraceError(
      "invalid_argument",
      "the body must be an object with observations, an array, and nothing else",
    );
  }
  checkRoom(list.length - 1);
  return list.map((value, at) => ({ where: `observations.${at}`, value: check(`observations.${at}`, value) }));
}

function parseJson(where: string, text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new MillraceError("invalid_argument", `${where} is not JSON: ${why.slice(0, 120)}`, { cause });
  }
  checkDepth(where, value);
  return value;
}

function checkRoom(before: number): void {
  if (before < BODY_OBSERVATIONS_MAX) return;
  const text = `the body has more than ${BODY_OBSERVATIONS_MAX} observations; send them in several requests`;
  throw new MillraceError("too_large", text);
}

function check(where: string, value: unknown): ObservationJson {
  try {
    const observation = checkObservation(value);
    if (observation.vector !== undefined || observation.text !== undefined) return observation;
  } catch (error) {
    const { code, message } = MillraceError.from(error);
    throw new MillraceError(code, `${where}: ${message}`, { cause: error });
  }
  throw new MillraceError("invalid_argument", `${where} has neither a vector nor a text; give it one`);
}

function toBatch(parsed: readonly Parsed[], fallback: Lane): ReadObservations {
  if (parsed.length === 0)
    throw new MillraceError("invalid_argument", "the body holds no observation; send at least one");
  const { lane, dims } = commonOf(parsed, fallback);
  const numbers = new Float32Array(parsed.length * dims);
  const texts = new Map<number, string>();
  const metas = parsed.map(({ where, value }, at) => {
    const { vector, lane: _, ...meta } = value;
    if (vector) copyNumbers(vector, numbers.subarray(at * dims, (at + 1) * dims), where);
    else texts.set(at, value.text ?? "");
    return Object.keys(meta).length === 0 ? null : meta;
  });
  const hasMeta = metas.some((meta) => meta !== null);
  const meta = hasMeta ? new TextEncoder().encode(JSON.stringify(metas)) : new Uint8Array();
  const batch = {
    firstSeq: 0,
    count: parsed.length,
    lane,
    encoding: "f32" as const,
    dims,
    vectors: bytesOf(numbers),
    meta,
  };
  return { batch, texts };
}

/** A batch has one lane, and vectors of one length: a body is taken as one. */
function commonOf(parsed: readonly Parsed[], fallback: Lane): { lane: Lane; dims: number } {
  const lane = parsed[0]?.value.lane ?? fallback;
  const first = parsed.find(({ value }) => value.vector !== undefined);
  const dims = first?.value.vector?.length ?? 0;
  for (const { where, value } of parsed) {
    if ((value.lane ?? fallback) !== lane) {
      const text = `${where}: lane is ${value.lane ?? fallback}, and ${parsed[0]?.where} has ${lane}; a body is taken as a whole, so send each lane apart`;
      throw new MillraceError("invalid_argument", text);
    }
    if (value.vector === undefined || value.vector.length === dims) continue;
    const text = `${where}: vector has ${value.vector.length} numbers, and ${first?.where} has ${dims}; all of a space have as many`;
    throw new MillraceError("dimension_mismatch", text);
  }
  return { lane, dims };
}

function copyNumbers(vector: readonly unknown[], target: Float32Array, where: string): void {
  for (let at = 0; at < vector.length; at++) {
    const value = vector[at];
    if (typeof value !== "number" || !Number.isFinite(Math.fround(value))) {
      const shown = typeof value === "number" ? String(value) : JSON.stringify(value).slice(0, 80);
      const text = `${where}: vector.${at} is ${shown}; it must be a number that is finite as a 32-bit float`;
      throw new MillraceError("invalid_argument", text);
    }
    target[at] = value;
  }
}
