import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { CODES } from "@millrace/core";
import {
  type Cursor,
  ERROR_STATUS,
  formatCursor,
  isReservedStream,
  parseCursor,
  type Seq,
  type StreamId,
  toSpaceId,
  toStreamId,
} from "@millrace/protocol";
import {
  AddSchema,
  AppendSchema,
  ClientMessageSchema,
  createCheck,
  RecallRequestSchema,
} from "@millrace/protocol/schemas";
import fc from "fast-check";

test("every code has an HTTP status and a WebSocket code of an application", () => {
  assert.deepEqual(Object.keys(ERROR_STATUS).sort(), Object.keys(CODES).sort());
  for (const [code, { http, ws }] of Object.entries(ERROR_STATUS)) {
    assert.ok(http >= 400 && http <= 599 && ws >= 4000 && ws <= 4999, code);
  }
});

test("a cursor survives its text, and no other text is a cursor", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z0-9]{1,40}$/), fc.maxSafeNat(), (epoch, seq) => {
      const cursor: Cursor = { epoch, seq: seq as Seq };
      assert.deepEqual(parseCursor(formatCursor(cursor)), cursor);
    }),
  );
  for (const text of [
    "",
    ":",
    "a:",
    ":1",
    "a:01",
    "a:-1",
    "a:1.5",
    "a:9007199254740993",
    "A:1",
    "a:1\n",
    "a:1:2",
    "a b:1",
    "\u0000:1",
  ]) {
    assert.throws(() => parseCursor(text), { code: "invalid_argument" }, JSON.stringify(text));
  }
});

test("names keep to what needs no escape anywhere", () => {
  for (const name of ["docs", "a", "tenant-7.x_y"]) assert.equal(toSpaceId(name), name);
  for (const name of ["", "Docs", "-a", "a b", "a/b", "a".repeat(64), 7, null, "a\n"])
    assert.throws(() => toSpaceId(name), { code: "invalid_argument" });
  for (const name of ["", ":a", 'a"b', "a b", "a".repeat(129), "a\n"])
    assert.throws(() => toStreamId(name), { code: "invalid_argument" });
  for (const name of ["chat:1", "_system", "a".repeat(128)]) assert.equal(toStreamId(name), name);
  for (const name of ["_", "__a", `_${"a".repeat(128)}`])
    assert.throws(() => toStreamId(name), { code: "invalid_argument" });
  assert.ok(
    isReservedStream("job:1" as StreamId) &&
      isReservedStream("_system" as StreamId) &&
      !isReservedStream("chat:1" as StreamId),
  );
});

test("no input makes a check do anything but accept or refuse by name", () => {
  const checks = [
    createCheck("body", AddSchema),
    createCheck("body", AppendSchema),
    createCheck("body", RecallRequestSchema),
    createCheck("message", ClientMessageSchema),
  ];
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      for (const check of checks) {
        try {
          check(value);
        } catch (error) {
          assert.equal((error as { code: string }).code, "invalid_argument");
          assert.ok((error as Error).message.length < 400);
        }
      }
    }),
  );
});

test("what is wrong by its size is refused without being read through", () => {
  const add = createCheck("body", AddSchema);
  const append = createCheck("body", AppendSchema);
  const fields = Object.fromEntries(Array.from({ length: 200_000 }, (_, n) => [`k${n}`, n]));
  const refused = { code: "invalid_argument" };
  assert.throws(() => add({ sources: Array.from({ length: 1_000_000 }, () => 1) }), {
    ...refused,
    message: /1000000 items; at most 10000/,
  });
  assert.throws(() => add(fields), { ...refused, message: /200000 fields/ });
  assert.throws(() => append({ events: [fields] }), { ...refused, message: /body\.events\.0 has 200000 fields/ });
  assert.throws(
    () => append({ events: [{ type: "log", data: 1 }], producer: { id: "p", epoch: 2 ** 60, seq: 0 } }),
    refused,
  );
  assert.doesNotThrow(() => append({ events: [{ type: "log", data: fields }] }));
});

test("PROTOCOL.md names the status table's home and every frame type of a job", () => {
  const text = readFileSync(join(import.meta.dirname, "../../../PROTOCOL.md"), "utf8");
  for (const word of ["error-status.ts", "job.started", "job.progress", "job.done", "job.error", "job.interrupted"])
    assert.ok(text.includes(word), word);
});
