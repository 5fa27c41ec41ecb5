import { MillraceError } from "@millrace/core";
import type { IngestSession } from "@millrace/memory";
import type { ObservationBatch, ObservationMeta } from "@millrace/protocol";
import type { ObservationIngest } from "./observation-ingest.ts";

/** A batch without vectors: each observation is its text, to be embedded by the space's model. */
export function isTextBatch({ dims }: ObservationBatch): boolean {
  return dims === 0;
}

/** The batch with a vector for each text. `invalid_argument` naming the first observation that has none. */
export async function embedBatch(
  ingest: ObservationIngest,
  session: IngestSession,
  batch: ObservationBatch,
): Promise<ObservationBatch> {
  const texts = textsOf(batch);
  const numbers = await ingest.embedTexts(session.space, texts);
  return { ...batch, encoding: "f32", dims: session.dims, vectors: bytesOf(numbers) };
}

/** The bytes where they lie. Of a Buffer it makes what it says it is: a Buffer's own `slice` does not copy. */
export function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function textsOf({ meta, count }: ObservationBatch): string[] {
  let metas: unknown;
  try {
    metas = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(meta));
  } catch (cause) {
    const text = "the batch has no vectors, and its JSON cannot be parsed; send an array of objects with a text each";
    throw new MillraceError("invalid_argument", text, { cause });
  }
  if (!Array.isArray(metas) || metas.length !== count || count === 0) {
    const told = Array.isArray(metas) ? `${metas.length} observations` : "no array";
    throw new MillraceError("invalid_argument", `the batch counts ${count} observations; its JSON is ${told}`);
  }
  return metas.map((one: ObservationMeta | null, place) => {
    if (typeof one?.text === "string" && one.text !== "") return one.text;
    throw new MillraceError("invalid_argument", `observation ${place} has neither a vector nor a text; give it one`);
  });
}
