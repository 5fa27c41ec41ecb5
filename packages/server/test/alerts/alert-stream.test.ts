import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ManualClock } from "@millrace/core";
import { type Alert, SYSTEM_STREAM } from "@millrace/protocol";
import { LogReader, openStorage, Sequencer } from "@millrace/stream";
import { freezeWriter } from "../../../../test/support/freeze-threads.ts";
import { AlertStream } from "../../src/alerts/alert-stream.ts";
import { FRAMES_WAITING_MAX } from "../../src/alerts/limits.ts";

const alert = (sinceMs: number, value = 1): Alert => ({
  ...({ rule: "depth", limit: 0, unit: "observations", hint: "" } as const),
  ...{ sinceMs, value },
});

async function openStream(directory: string) {
  const storage = await openStorage({ directory });
  const [reader, clock] = [new LogReader(storage), new ManualClock()];
  const stream = new AlertStream({ sequencer: new Sequencer({ storage }), reader, clock });
  return {
    stream,
    clock,
    async seen(): Promise<string[]> {
      const { frames } = await reader.frames(SYSTEM_STREAM, undefined, 1_000);
      return frames.map(({ json }) => {
        const { type, data } = JSON.parse(json) as { type: string; data: Alert };
        return `${type} ${data.sinceMs}`;
      });
    },
    async [Symbol.asyncDispose]() {
      stream.close();
      await storage.close();
    },
  };
}

/** Until nothing waits; a write under way is answered in a few turns. */
async function settled(stream: AlertStream): Promise<void> {
  while (stream.waiting > 0) await new Promise((resolve) => setImmediate(resolve));
}

test("frames are kept in order while the store does not answer, the newest 500 of them, and the others are counted", async () => {
  const directory = mkdtempSync(join(tmpdir(), "millrace-alerts-"));
  {
    await using open = await openStream(directory);
    open.stream.put({ kind: "raised", alert: alert(0) });
    await settled(open.stream);
    {
      using _frozen = await freezeWriter(directory);
      // The first is under way; behind it there is room for 500.
      open.stream.put({ kind: "raised", alert: alert(1) });
      for (let n = 2; n <= FRAMES_WAITING_MAX + 11; n++) open.stream.put({ kind: "raised", alert: alert(n) });
      assert.deepEqual([open.stream.waiting, open.stream.lost], [FRAMES_WAITING_MAX + 1, 10]);
    }
    await settled(open.stream);
    const kept = Array.from({ length: FRAMES_WAITING_MAX }, (_, at) => `alert.raised ${at + 12}`);
    assert.deepEqual(await open.seen(), ["alert.raised 0", "alert.raised 1", ...kept]);
  }
  rmSync(directory, { recursive: true, force: true });
});

test("an alert that is told twice is one frame; one left open is cleared once, by the next start only", async () => {
  const directory = mkdtempSync(join(tmpdir(), "millrace-alerts-"));
  const expected = ["alert.raised 1", "alert.cleared 1", "alert.raised 2"];
  for (const start of [0, 1, 2]) {
    await using open = await openStream(directory);
    await open.stream.recover();
    if (start === 0) {
      for (const kind of ["raised", "raised", "cleared"] as const) open.stream.put({ kind, alert: alert(1) });
      open.stream.put({ kind: "raised", alert: alert(2) });
    }
    await settled(open.stream);
    assert.deepEqual(await open.seen(), start === 0 ? expected : [...expected, "alert.cleared 2"]);
  }
  rmSync(directory, { recursive: true, force: true });
});
