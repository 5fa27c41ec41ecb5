import assert from "node:assert/strict";
import { test } from "node:test";
import { MillraceError } from "@millrace/core";
import { Flights } from "../../src/cache/flights.ts";
import { turn } from "./fixture.ts";

function controlled() {
  const calls: {
    readonly signal: AbortSignal;
    readonly land: (value: string) => void;
    readonly crash: (error: unknown) => void;
  }[] = [];
  const start = (signal: AbortSignal) =>
    new Promise<string>((land, crash) => {
      calls.push({ signal, land, crash });
    });
  return { calls, start };
}

test("callers at the same time share one computation and its result", async () => {
  const flights = new Flights<string>();
  const { calls, start } = controlled();
  const all = Array.from({ length: 50 }, () => flights.join("a", start));
  const other = flights.join("b", start);
  await turn();
  assert.equal(calls.length, 2);
  calls[0]?.land("first");
  calls[1]?.land("second");
  assert.deepEqual(new Set(await Promise.all(all)), new Set(["first"]));
  assert.equal(await other, "second");
  assert.equal(flights.size, 0);
  const later = flights.join("a", start);
  await turn();
  calls[2]?.land("third");
  assert.equal(await later, "third");
});

test("who leaves is rejected at once and does not disturb the others", async () => {
  const flights = new Flights<string>();
  const { calls, start } = controlled();
  const leaving = new AbortController();
  const first = flights.join("a", start, leaving.signal);
  const second = flights.join("a", start);
  await turn();
  leaving.abort();
  await assert.rejects(first, { code: "cancelled" });
  assert.equal(calls[0]?.signal.aborted, false);
  calls[0]?.land("value");
  assert.equal(await second, "value");
});

test("when the last one leaves the work is aborted, and the next caller starts afresh", async () => {
  const flights = new Flights<string>();
  const { calls, start } = controlled();
  const [a, b] = [new AbortController(), new AbortController()];
  const waits = [flights.join("a", start, a.signal), flights.join("a", start, b.signal)];
  await turn();
  a.abort(new MillraceError("timeout", "too late"));
  b.abort();
  assert.equal(calls[0]?.signal.aborted, true);
  const next = flights.join("a", start);
  await assert.rejects(waits[0] as Promise<string>, { code: "timeout" });
  await assert.rejects(waits[1] as Promise<string>, { code: "cancelled" });
  await turn();
  assert.equal(calls.length, 2);
  calls[0]?.land("of the abandoned");
  calls[1]?.land("fresh");
  assert.equal(await next, "fresh");
});

test("a failure reaches everyone who waits and is not kept", async () => {
  const flights = new Flights<string>();
  const { calls, start } = controlled();
  const waits = [flights.join("a", start), flights.join("a", start)];
  await turn();
  calls[0]?.crash(new MillraceError("fetch_unreachable", "down"));
  for (const wait of waits) await assert.rejects(wait, { code: "fetch_unreachable" });
  assert.equal(flights.has("a"), false);
});

test("a caller whose signal is aborted starts nothing", async () => {
  const flights = new Flights<string>();
  const { calls, start } = controlled();
  await assert.rejects(flights.join("a", start, AbortSignal.abort()), { code: "cancelled" });
  await turn();
  assert.equal(calls.length, 0);
});

test("a detached flight ends for those in it and is not joined; aborting all ends it too", async () => {
  const flights = new Flights<string>();
  const { calls, start } = controlled();
  const old = flights.join("a", start);
  await turn();
  flights.detach((key) => key === "a");
  const fresh = flights.join("a", start);
  await turn();
  calls[1]?.land("new");
  assert.equal(await fresh, "new");
  flights.abortAll(new MillraceError("unavailable", "closed"));
  await assert.rejects(old, { code: "unavailable" });
});
