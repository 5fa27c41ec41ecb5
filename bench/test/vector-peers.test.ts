import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { MillraceError } from "@millrace/core";
import { generate } from "../vector/data/distributions.ts";
import { exactNearest } from "../vector/data/exact.ts";
import { openPeer, PEER_NAMES, type Peer, type PeerName } from "../vector/peers/peer.ts";

const DIMS = 36;
const ROWS = 600;
const options = { dims: DIMS, metric: "cosine", capacity: ROWS } as const;

/** What is installed here; without the packages, only refusals are tested. */
const installed: PeerName[] = [];
const saving: PeerName[] = [];
for (const name of PEER_NAMES) {
  try {
    const peer = await openPeer(name, options);
    installed.push(name);
    if (peer.save) saving.push(name);
    await peer.close();
  } catch (error) {
    if (!(error instanceof MillraceError && error.code === "unavailable")) throw error;
  }
}

test("a peer that is not installed says how to install it", async () => {
  for (const name of PEER_NAMES) {
    await assert.rejects(openPeer(name, { ...options, directory: join(import.meta.dirname, "fixtures") }), {
      code: "unavailable",
      message:
        /^peer \S+ (?:is not installed|cannot be loaded).*; CXXFLAGS=-march=native npm ci --prefix bench\/vector\/peers$/,
    });
  }
});

test("names and options outside their limits are refused", async () => {
  const refused = (name: PeerName, change: object, message: RegExp) =>
    assert.rejects(openPeer(name, { ...options, ...change }), { code: "invalid_argument", message });
  await refused("faiss" as PeerName, {}, /peer is faiss; use one of usearch-f32/);
  await refused("usearch-f32", { dims: 1 }, /dims is 1;/);
  await refused("hnswlib-node", { m: 1 }, /m is 1;/);
  await refused("lancedb", { capacity: 0 }, /capacity is 0;/);
  await refused("usearch-i8", { metric: "l2" }, /usearch-i8 cannot do l2; use cosine/);
  await refused("sqlite-vec", { metric: "dot" }, /sqlite-vec cannot do dot; use/);
});

/** Least recall of a wide beam over few rows: i8 of unit vectors without scaling is the only coarse one. */
const RECALL_MIN: Partial<Record<PeerName, number>> = { "usearch-i8": 0.9, "sqlite-vec": 1 };

const base = generate("gaussian", { count: ROWS, dims: DIMS, seed: 11 });
const query = generate("gaussian", { count: 20, dims: DIMS, seed: 11, stream: 1 });
const truth = exactNearest({ metric: "cosine", dims: DIMS, base, query, k: 10 });
const queryAt = (at: number) => query.subarray(at * DIMS, (at + 1) * DIMS);
/** Ids that are not places. */
const idOf = (row: number) => row * 3 + 5;

async function fill(peer: Peer): Promise<void> {
  const ids = Uint32Array.from({ length: ROWS }, (_, row) => idOf(row));
  await peer.add(ids.subarray(0, 400), base.subarray(0, 400 * DIMS));
  await peer.add(ids.subarray(400), base.subarray(400 * DIMS));
  await peer.finish();
  peer.setEffort(400);
}

async function recallOf(peer: Peer): Promise<number> {
  let hits = 0;
  for (let at = 0; at < 20; at++) {
    const wanted = new Set(Array.from(truth.subarray(at * 10, at * 10 + 10), idOf));
    for (const id of await peer.search(queryAt(at), 10)) if (wanted.has(id)) hits++;
  }
  return hits / 200;
}

for (const name of installed) {
  test(`${name} finds the nearest rows by their ids, from shared memory too, and forgets what is removed`, async () => {
    const peer = await openPeer(name, { ...options, efConstruction: 64 });
    await fill(peer);
    const recall = await recallOf(peer);
    assert.ok(recall >= (RECALL_MIN[name] ?? 0.97), `recall ${recall}`);
    assert.match(peer.version, /^\d+\.\d+\.\d+/);
    const shared = new Float32Array(new SharedArrayBuffer(DIMS * 4));
    shared.set(queryAt(0));
    const found = await peer.search(shared, 10);
    assert.deepEqual(found, await peer.search(queryAt(0), 10));
    await peer.remove?.(found[0] ?? 0);
    assert.ok(!(await peer.search(shared, 10)).includes(found[0] ?? 0));
    await peer.close();
  });
}

for (const name of saving) {
  test(`${name} loads what it saved`, async (context) => {
    const directory = mkdtempSync(join(tmpdir(), "millrace-peer-"));
    context.after(() => rmSync(directory, { recursive: true }));
    const peer = await openPeer(name, { ...options, efConstruction: 64 });
    await fill(peer);
    const path = join(directory, "index");
    await peer.save?.(path);
    const again = await openPeer(name, { ...options, efConstruction: 64 });
    await again.load?.(path);
    again.setEffort(400);
    assert.deepEqual(await again.search(queryAt(3), 10), await peer.search(queryAt(3), 10));
    await Promise.all([peer.close(), again.close()]);
  });
}
