/** Another index behind a log as durable as ours: each batch is on disk before it is added. As fast as it goes. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ObservationLog } from "@millrace/memory";
import type { Peer } from "../vector/peers/peer.ts";
import type { NoisyVectors } from "./noisy-vectors.ts";
import { K } from "./recall-load.ts";
import { judgeRecall } from "./truth/judge.ts";
import type { Question } from "./truth/question.ts";

export type PeerLoad = {
  readonly vectors: NoisyVectors;
  readonly query: Float32Array;
  /** Vectors to add, in batches. */
  readonly rows: number;
  readonly batch: number;
  /** Width of the beam of the searches that recall is judged by, and how many. */
  readonly effort: number;
  readonly queries: number;
};

export type PeerFigures = {
  /** Until the index was finished. */
  readonly indexedPerSecond: number;
  /** Share of that time that the log took. */
  readonly logShare: number;
  readonly recallAt10: number;
};

/** Adds the vectors of space 0 and closes the peer. */
export async function loadDurably(peer: Peer, load: PeerLoad): Promise<PeerFigures> {
  const directory = mkdtempSync(join(tmpdir(), "millrace-peer-log-"));
  try {
    const added = await addAll(peer, load, directory);
    return { ...added, recallAt10: await recallOf(peer, load) };
  } finally {
    await peer.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function addAll(
  peer: Peer,
  { vectors, rows, batch }: PeerLoad,
  directory: string,
): Promise<Omit<PeerFigures, "recallAt10">> {
  const { dims } = vectors.source;
  const floats = new Float32Array(batch * dims);
  const log = await ObservationLog.open({ directory });
  let logMs = 0;
  const startMs = performance.now();
  for (let first = 0; first < rows; first += batch) {
    const count = Math.min(batch, rows - first);
    const part = floats.subarray(0, count * dims);
    vectors.write(part, 0, { first, count });
    const loggedMs = performance.now();
    await log.append([recordOf(part, { first, count, dims })]);
    logMs += performance.now() - loggedMs;
    await peer.add(
      Uint32Array.from({ length: count }, (_, at) => first + at),
      part,
    );
  }
  await peer.finish();
  const spentMs = performance.now() - startMs;
  await log.close();
  return { indexedPerSecond: (rows * 1_000) / spentMs, logShare: logMs / spentMs };
}

type Piece = { readonly first: number; readonly count: number; readonly dims: number };

function recordOf(vectors: Float32Array, { first, count, dims }: Piece) {
  return {
    kind: "observations",
    ...{ space: 1, firstRow: first, count, session: "", firstSeq: 0, acceptedMs: Date.now(), dims },
    lane: "normal",
    encoding: "f32",
    vectors: new Uint8Array(vectors.buffer, vectors.byteOffset, vectors.byteLength),
    meta: new Uint8Array(),
  } as const;
}

async function recallOf(peer: Peer, { vectors, query, rows, effort, queries }: PeerLoad): Promise<number> {
  const { dims } = vectors.source;
  peer.setEffort(effort);
  const questions: Question[] = [];
  for (let at = 0; at < queries; at++) {
    const found = await peer.search(query.slice(at * dims, (at + 1) * dims), K);
    questions.push({ query: at, space: 0, prefix: rows, found });
  }
  return (await judgeRecall(K, questions, { vectors, query, held: [rows] })).recall ?? 0;
}
