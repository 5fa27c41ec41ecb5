import assert from "node:assert/strict";
import { test } from "node:test";
import { MillraceError } from "@millrace/core";
import fc from "fast-check";
import { readStaticTable, writeStaticTable } from "../../src/embedding/static-table.ts";

const small = () => ({
  dims: 2,
  rows: 3,
  scales: Float32Array.of(0.5, 1, 2),
  codes: Int8Array.of(1, -1, 127, -127, 0, 5),
  words: ["one", "größe", "日本"],
});

test("a table comes back as it was written", () => {
  const read = readStaticTable(writeStaticTable(small()), "t");
  assert.deepEqual(read, small());
});

test("a changed byte anywhere past the header is refused, and so is a cut file", () => {
  const bytes = writeStaticTable(small());
  const isRefused = (broken: Uint8Array) =>
    assert.throws(
      () => readStaticTable(broken, "t"),
      (error: unknown) => error instanceof MillraceError && error.code === "unreadable_document",
    );
  fc.assert(
    fc.property(fc.integer({ min: 64, max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const broken = Uint8Array.from(bytes);
      broken[at] = (broken[at] as number) ^ change;
      isRefused(broken);
    }),
  );
  for (const length of [0, 10, 63, 64, bytes.length - 1]) isRefused(bytes.subarray(0, length));
});

test("a later version says to use a newer Millrace", () => {
  const bytes = writeStaticTable(small());
  bytes[4] = 2;
  assert.throws(() => readStaticTable(bytes, "t"), { code: "data_too_new" });
});
