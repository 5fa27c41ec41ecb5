import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "@millrace/core";
import { OriginTable } from "../../src/fetch/origin-table.ts";

const names = (table: OriginTable) => [...table].map(({ name }) => name);

function use(table: OriginTable, ...origins: string[]): void {
  for (const name of origins) table.use(name)[Symbol.dispose]();
}

test("the origins used last are remembered, and an origin in use is never forgotten", () => {
  const table = new OriginTable({ clock: new ManualClock(), pace: { ratePerSecond: 1, burst: 1 }, originsMax: 3 });
  const held = table.use("held");
  use(table, "a", "b", "a", "c");
  assert.deepEqual(names(table), ["held", "a", "c"]);
  assert.equal(table.use("held").origin, held.origin);
  held[Symbol.dispose]();
  use(table, "d", "e", "f");
  assert.equal(table.size, 3);
  assert.ok(names(table).includes("held"));
});

test("ten thousand origins and more stay bounded", () => {
  const table = new OriginTable({ clock: new ManualClock(), pace: { ratePerSecond: 1, burst: 1 }, originsMax: 10_000 });
  for (let n = 0; n < 25_000; n++) use(table, `http://${n}.example`);
  assert.equal(table.size, 10_000);
});
