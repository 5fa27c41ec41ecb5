/** A space whose files cannot be read is given up with the reason, and is there again once they can. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import { systemClock } from "@millrace/core";
import { liveOf, openFaulty, SkewedClock, scratch, submitted } from "./fault-memory.ts";
import { batchOf, DIMS, nearest, SPACE } from "./fixture.ts";

const COUNT = 50;
/** Of the saved index: the version is the second word, the checksum of all before it the last. */
const MANIFESTS = /^manifest/;
const VERSION_AT = 4;
const CRC_BYTES = 4;

/** Its time without a calendar goes on when the test says so. */
class SteppedClock extends SkewedClock {
  monotonicMs = systemClock.monotonic();
  override monotonic(): number {
    return this.monotonicMs;
  }
}

function manifestsIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((path) => MANIFESTS.test(path.split("/").at(-1) ?? "") && path.includes("index"))
    .map((path) => join(directory, path));
}

test("a space whose index a newer version wrote is refused with the reason, and opened once the file is put back", async () => {
  using directory = scratch();
  {
    await using opened = await openFaulty({ directory: directory.path });
    const session = await opened.memory.ingest.open({ space: SPACE, dims: DIMS });
    await submitted(session, batchOf(1, COUNT));
    await session.reached("durable");
    await session.reached("searchable");
    await opened.memory.ingest.ingest.workers.save(opened.memory.spaceId(SPACE));
  }
  const manifests = manifestsIn(directory.path);
  assert.ok(manifests.length > 0);
  const before = manifests.map((path) => readFileSync(path));
  for (const path of manifests) {
    const bytes = readFileSync(path);
    bytes.writeUInt32LE(1_000, VERSION_AT);
    bytes.writeUInt32LE(crc32(bytes.subarray(0, -CRC_BYTES)), bytes.length - CRC_BYTES);
    writeFileSync(path, bytes);
  }
  const clock = new SteppedClock();
  await using opened = await openFaulty({ directory: directory.path, clock });
  await assert.rejects(liveOf(opened.memory), { code: "data_too_new", message: /the space cannot be opened/ });
  for (const [at, path] of manifests.entries()) writeFileSync(path, before[at] ?? assert.fail());
  // Not at every question: whoever asks meanwhile hears what was wrong.
  await assert.rejects(liveOf(opened.memory), { code: "data_too_new" });
  clock.monotonicMs += 60_000;
  assert.equal(await liveOf(opened.memory), COUNT);
  assert.deepEqual(await nearest(opened.memory, 7), ["~6"]);
});
