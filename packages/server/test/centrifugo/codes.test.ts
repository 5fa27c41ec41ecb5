import assert from "node:assert/strict";
import { test } from "node:test";
import { CODES, type Code, MillraceError } from "@millrace/core";
import { DISCONNECTS, toReplyError } from "../../src/centrifugo/codes.ts";

/** Codes after which a client must not come back by itself. */
const isTerminal = (code: number) => (code >= 3500 && code < 4000) || (code >= 4500 && code < 5000);

test("a client comes back after what may pass and stays away after its own mistakes", () => {
  const terminal = Object.entries(DISCONNECTS).filter(([, { code }]) => isTerminal(code));
  assert.deepEqual(terminal.map(([name]) => name).sort(), ["badRequest", "notAvailable", "stale"]);
});

test("every error has a code of the protocol, and what is retryable is temporary", () => {
  for (const code of Object.keys(CODES) as Code[]) {
    const { code: number, message, temporary } = toReplyError(new MillraceError(code, "because of x"));
    assert.ok(number >= 100 && number <= 112, `${code}: ${number}`);
    if (code !== "internal") assert.match(message, /: because of x$/);
    if (CODES[code].retryable) assert.equal(temporary, true, code);
  }
});

test("what a defect says of the inside stays inside", () => {
  const { code, message } = toReplyError(new TypeError("secret of the house"));
  assert.equal(code, 100);
  assert.doesNotMatch(message, /secret/);
});
