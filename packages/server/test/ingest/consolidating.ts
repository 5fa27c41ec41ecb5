/** Observations with planted likeness, for tests of consolidation over a real engine. */
import assert from "node:assert/strict";
import type { Concept } from "@millrace/client";
import type { Rng } from "@millrace/core";
import { type ObservationMeta, toSpaceId } from "@millrace/protocol";
import type { TestEngine } from "../../../../test/support/engine.ts";

/** Many enough that vectors drawn at random are far below every threshold. */
export const DIMS = 96;

export type Planted = { readonly id: string; readonly vector: Float32Array; readonly meta?: Partial<ObservationMeta> };

/** A vector drawn at random; or one of that similarity with `base`. */
export function draw(rng: Rng, base?: Float32Array, similarity = 0): Float32Array {
  const drawn = unit(Float32Array.from({ length: DIMS }, () => gaussian(rng)));
  if (!base) return drawn;
  const along = dot(drawn, base);
  const across = unit(drawn.map((value, at) => value - along * (base[at] ?? 0)));
  const rest = Math.sqrt(1 - similarity * similarity);
  return across.map((value, at) => similarity * (base[at] ?? 0) + rest * value);
}

/** Vectors of which each two have about that similarity. */
export function cluster(rng: Rng, count: number, similarity: number): Float32Array[] {
  const centre = draw(rng);
  return Array.from({ length: count }, () => draw(rng, centre, Math.sqrt(similarity)));
}

/** Settles when all are durable and searchable. */
export async function put({ server }: TestEngine, space: string, planted: readonly Planted[]): Promise<void> {
  const session = await server.engine.memory.ingest.open({ space: toSpaceId(space), dims: DIMS });
  for (let from = 0; from < planted.length; from += 500) {
    const some = planted.slice(from, from + 500);
    const vectors = new Float32Array(some.length * DIMS);
    for (const [at, { vector }] of some.entries()) vectors.set(vector, at * DIMS);
    const meta = new TextEncoder().encode(JSON.stringify(some.map(({ id, meta }) => ({ id, ...meta }))));
    const batch = { firstSeq: 0, count: some.length, lane: "normal", encoding: "f32", dims: DIMS } as const;
    session.submit({ ...batch, vectors: new Uint8Array(vectors.buffer), meta });
    await session.reached("durable");
    await session.reached("searchable");
  }
  session.close();
}

/** Every concept, read page after page. */
export async function conceptsOf({ client }: TestEngine, space: string, limit = 7): Promise<Concept[]> {
  const found: Concept[] = [];
  for (let after: string | undefined = ""; after !== undefined; ) {
    const page: { concepts: Concept[]; next?: string } = await client.space(space).concepts({ after, limit });
    assert.ok(page.concepts.length <= limit);
    found.push(...page.concepts);
    after = page.next;
  }
  return found;
}

/** Member ids of each concept of a kind, as sets to compare. */
export function membersOf(concepts: readonly Concept[], kind: Concept["kind"]): string[] {
  return concepts
    .filter((concept) => concept.kind === kind)
    .map(({ members }) => [...members].sort().join(" "))
    .sort();
}

function gaussian(rng: Rng): number {
  return Math.sqrt(-2 * Math.log(1 - rng())) * Math.cos(2 * Math.PI * rng());
}

function unit(vector: Float32Array): Float32Array {
  const norm = Math.hypot(...vector);
  return vector.map((value) => value / norm);
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0);
}
