import assert from "node:assert/strict";
import { test } from "node:test";
import { MillraceError } from "@millrace/core";
import fc from "fast-check";
import { decodeCommands, toHistoryRequest, toSubscribeRequest } from "../../src/centrifugo/command.ts";
import { CENTRIFUGO_COMMANDS_MAX } from "../../src/limits.ts";

const isInvalid = (error: unknown) => error instanceof MillraceError && error.code === "invalid_argument";

test("commands are read line by line, in order, and empty lines carry nothing", () => {
  const commands = decodeCommands(
    '{"id":1,"connect":{"token":"t"}}\n\n{"id":2,"publish":{"channel":"a","data":{"x":"\\n"}}}\n{}\n',
  );
  assert.deepEqual(commands, [
    { method: "connect", id: 1, params: { token: "t" } },
    { method: "publish", id: 2, params: { channel: "a", data: { x: "\n" } } },
    { method: "pong" },
  ]);
});

test("a method that is not known keeps its number, so that it can be refused under it", () => {
  assert.deepEqual(decodeCommands('{"id":7,"dance":{}}'), [{ method: "unknown", id: 7, params: {} }]);
  assert.deepEqual(decodeCommands('{"id":7,"__proto__":{}}'), [{ method: "unknown", id: 7, params: {} }]);
});

test("what is not a command is refused with the value", () => {
  const odd = [
    "",
    "\n",
    "x",
    "1",
    "null",
    "[]",
    '{"id":1,"connect":3}',
    '{"id":1,"connect":[]}',
    '{"id":-1,"ping":{}}',
  ];
  const ids = [
    '{"connect":{}}',
    '{"id":0,"connect":{}}',
    '{"id":1.5,"ping":{}}',
    '{"id":"1","ping":{}}',
    '{"id":4294967296,"ping":{}}',
  ];
  for (const text of [...odd, ...ids, '{"id":1,"connect":{}}\n{'])
    assert.throws(() => decodeCommands(text), isInvalid, text);
  assert.throws(() => decodeCommands("hello"), /got "hello"/);
});

test("a message holds as many commands as the limit says and not one more", () => {
  const lines = new Array<string>(CENTRIFUGO_COMMANDS_MAX).fill('{"id":1,"ping":{}}');
  assert.equal(decodeCommands(lines.join("\n")).length, CENTRIFUGO_COMMANDS_MAX);
  assert.throws(() => decodeCommands([...lines, "{}"].join("\n")), /at most 1024 are taken/);
});

test("any text is either commands or invalid_argument", () => {
  const line = fc.oneof(fc.json(), fc.string(), fc.constantFrom("{}", "{", '{"id":1}', '{"id":1,"subscribe":{}}'));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 5 }), (lines) => {
      const text = lines.join("\n");
      try {
        assert.ok(decodeCommands(text).length > 0);
      } catch (error) {
        assert.ok(isInvalid(error), String(error));
      }
    }),
    { numRuns: 2_000 },
  );
});

test("a subscribe asks for recovery only when it says so; offset 0 may be left out", () => {
  const channel = "a";
  assert.deepEqual(toSubscribeRequest({ channel, epoch: "e", offset: 3 }), {
    channel,
    recover: undefined,
    rejectUnrecovered: false,
  });
  assert.deepEqual(toSubscribeRequest({ channel, recover: true, epoch: "e", flag: 3 }), {
    channel,
    recover: { epoch: "e", offset: 0 },
    rejectUnrecovered: true,
  });
  for (const params of [{}, { channel: 1 }, { channel: "" }, { channel: "ü" }, { channel: "a".repeat(129) }])
    assert.throws(() => toSubscribeRequest(params), isInvalid);
  for (const offset of [-1, 1.5, "1", 2 ** 53, null])
    assert.throws(() => toSubscribeRequest({ channel, recover: true, offset }), isInvalid);
  assert.throws(() => toSubscribeRequest({ channel, recover: true, epoch: 1 }), isInvalid);
});

test("a history request without limit asks for the position alone", () => {
  const none = { channel: "a", limit: 0, since: undefined, reverse: false };
  assert.deepEqual(toHistoryRequest({ channel: "a" }), none);
  assert.deepEqual(toHistoryRequest({ channel: "a", limit: -1, since: { offset: 4 }, reverse: true }), {
    channel: "a",
    limit: -1,
    since: { epoch: "", offset: 4 },
    reverse: true,
  });
  for (const params of [{ limit: -2 }, { limit: "1" }, { since: 1 }, { since: [] }, { since: { offset: -1 } }])
    assert.throws(() => toHistoryRequest({ channel: "a", ...params }), isInvalid);
});
