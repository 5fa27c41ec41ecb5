import assert from "node:assert/strict";
import { test } from "node:test";
import { isReservedStream, toStreamId } from "@millrace/protocol";
import fc from "fast-check";
import { fromUrlPath, isReservedPath, toLogName, toStreamPath } from "../../src/durable-streams/stream-path.ts";

const segment = fc
  .string({ minLength: 1, maxLength: 12, unit: fc.constantFrom(..."ab:._-%~é/😀 0ds") })
  .filter((text) => !text.includes("/"));
const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join("/"));
const encode = (text: string) => text.split("/").map(encodeURIComponent).join("/");

test("every path has a log name that is one, and no two paths have the same", () => {
  const owners = new Map<string, string>();
  fc.assert(
    fc.property(path, (text) => {
      const name = toLogName(text);
      assert.equal(toStreamId(name), name);
      assert.equal(owners.get(name) ?? text, text);
      owners.set(name, text);
    }),
    { numRuns: 2_000 },
  );
  assert.notEqual(toLogName("a/b"), toLogName("ds:a:b"), "a path may look like what another was turned into");
  assert.equal(toLogName("chat-7.v1"), "chat-7.v1", "a path that is a name already is that name");
  assert.equal(toLogName("events/a.b"), "ds:events:a.2eb");
  const [long, longer] = [`${"x".repeat(500)}/a`, `${"x".repeat(500)}/b`];
  assert.match(toLogName(long), /^ds:\.sha256\./);
  assert.notEqual(toLogName(long), toLogName(longer));
});

test("a path reads back from its URL, also by its whole one", () => {
  fc.assert(
    fc.property(path, (text) => {
      assert.equal(toStreamPath(encode(text)), text);
      assert.equal(fromUrlPath(`/v1/stream/${encode(text)}`), text);
    }),
  );
  assert.equal(fromUrlPath("/v1/streams/a"), undefined);
});

test("empty segments, control characters, bad percent encoding and long paths are refused", () => {
  for (const raw of ["", "a//b", "/a", "a/", "%", "%zz", "a%00", "a%0a", "%ff", "x".repeat(1_025), "%2F"]) {
    assert.throws(() => toStreamPath(raw), { code: "invalid_argument" }, JSON.stringify(raw.slice(0, 20)));
  }
});

test("the engine's own streams are never written to under any path", () => {
  fc.assert(
    fc.property(fc.oneof(path, fc.constantFrom("job:1", "space:a", "_x", "_x/y", "job:1/a")), (text) => {
      if (!isReservedPath(text)) assert.equal(isReservedStream(toLogName(text)), false);
    }),
  );
  for (const text of ["job:1", "space:docs", "_x", "__ds2"]) assert.equal(isReservedPath(text), true);
});
