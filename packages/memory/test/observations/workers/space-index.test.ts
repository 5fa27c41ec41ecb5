import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { test } from "node:test";
import { LogReader } from "../../../src/observations/log/log-reader.ts";
import { RecordList } from "../../../src/observations/workers/record-list.ts";
import { SpaceIndex } from "../../../src/observations/workers/space-index.ts";
import { batchOf, DIMS, temporaryDirectory, vectorOf } from "../fixture.ts";

const ROWS = 2_000;

test("a release that a save refuses leaves the space as it was", async () => {
  const directory = temporaryDirectory();
  try {
    using log = LogReader.open(directory);
    const spec = {
      ...{ space: 1, dims: DIMS, records: new RecordList().buffer },
      ...{ removed: new Uint32Array(0), firstRemoval: 0 },
    };
    const index = await SpaceIndex.open(spec, { directory, options: {}, log });
    const { vectors } = batchOf(1, ROWS);
    const entry = { space: 1, firstRow: 0, count: ROWS, encoding: "f32", vectorsAt: 0 } as const;
    index.add({ ...entry, metaAt: 0, metaBytes: 0, acceptedMs: Date.now() }, vectors, () => {});
    const saving = index.save();
    assert.throws(() => index.release(), { code: "conflict" });
    await saving;
    assert.equal(index.columns.live, ROWS);
    assert.equal(index.index.search(vectorOf(7), 1).ids[0], 6);
    const released = index.release();
    const adopted = SpaceIndex.adopt(spec, { directory, options: {}, log }, released);
    assert.equal(adopted.columns.live, ROWS);
    assert.equal(adopted.index.search(vectorOf(7), 1).ids[0], 6);
    await adopted.close();
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
