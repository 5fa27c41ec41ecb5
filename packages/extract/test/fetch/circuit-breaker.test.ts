import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "@millrace/core";
import { CircuitBreaker } from "../../src/fetch/circuit-breaker.ts";

function open() {
  const clock = new ManualClock();
  const breaker = new CircuitBreaker(clock);
  const admit = () => breaker.admit("http://foo.bar");
  const fail = (times: number) => {
    for (let n = 0; n < times; n++) admit().failed();
  };
  return { clock, breaker, admit, fail };
}

test("five failures in a row open it; a success in between starts the count again", () => {
  const { breaker, admit, fail } = open();
  fail(4);
  admit().succeeded();
  fail(4);
  assert.equal(breaker.state, "closed");
  fail(1);
  assert.equal(breaker.state, "open");
  assert.throws(admit, {
    code: "fetch_unreachable",
    retryable: true,
    retryAfterMs: 30_000,
    message: /http:\/\/foo\.bar/,
  });
});

test("after thirty seconds three calls may try it, and when all succeed it is closed", () => {
  const { clock, breaker, admit, fail } = open();
  fail(5);
  clock.advance(29_999);
  assert.throws(admit, { retryAfterMs: 1 });
  clock.advance(1);
  assert.equal(breaker.state, "halfOpen");
  const probes = [admit(), admit(), admit()];
  assert.throws(admit, { code: "fetch_unreachable" });
  probes[0]?.succeeded();
  probes[1]?.succeeded();
  assert.throws(admit, { code: "fetch_unreachable" });
  assert.equal(breaker.state, "halfOpen");
  probes[2]?.succeeded();
  assert.equal(breaker.state, "closed");
  fail(4);
  assert.equal(breaker.state, "closed");
});

test("one failed probe opens it for another thirty seconds, whatever the others say", () => {
  const { clock, breaker, admit, fail } = open();
  fail(5);
  clock.advance(30_000);
  const [first, second] = [admit(), admit()];
  first.failed();
  assert.equal(breaker.state, "open");
  second.succeeded();
  clock.advance(29_999);
  assert.throws(admit, { code: "fetch_unreachable" });
  clock.advance(1);
  for (const probe of [admit(), admit(), admit()]) probe.succeeded();
  assert.equal(breaker.state, "closed");
});

test("a probe that was given up makes room for another", () => {
  const { clock, breaker, admit, fail } = open();
  fail(5);
  clock.advance(30_000);
  const probes = [admit(), admit(), admit()];
  probes[0]?.released();
  probes[0]?.released();
  const another = admit();
  assert.throws(admit, { code: "fetch_unreachable" });
  for (const probe of [another, ...probes]) probe.succeeded();
  assert.equal(breaker.state, "closed");
});

test("what was let through before it opened says nothing about the time after", () => {
  const { clock, breaker, admit, fail } = open();
  const late = admit();
  fail(5);
  clock.advance(30_000);
  admit().succeeded();
  late.failed();
  assert.equal(breaker.state, "halfOpen");
});
