import assert from "node:assert/strict";
import { test } from "node:test";
import { MillraceError } from "@millrace/core";
import fc from "fast-check";
import { Carry, type Walk } from "../../load/carry.ts";
import { chunkWalk, eventWalk, readHead } from "../../load/http-wire.ts";
import { textFrame, webSocketWalk } from "../../load/web-socket-wire.ts";
import { replyWalk } from "../../peers/redis.ts";

/** Gives the bytes to a walk in pieces, each in the same buffer as a socket's reads are. */
function feed(bytes: Buffer, cuts: readonly number[], walk: Walk): void {
  const carry = new Carry();
  const shared = Buffer.alloc(bytes.length);
  let from = 0;
  for (const to of [...new Set(cuts.map((cut) => cut % bytes.length))].sort((a, b) => a - b).concat(bytes.length)) {
    bytes.copy(shared, 0, from, to);
    carry.read(shared, to - from, walk);
    shared.fill(0xff);
    from = to;
  }
}

const cuts = fc.array(fc.nat(), { maxLength: 12 });
const texts = fc.array(fc.oneof(fc.string({ maxLength: 300 }), fc.constant("x".repeat(70_000))), {
  minLength: 1,
  maxLength: 6,
});

/** A server's frame: as a client's, but not masked. */
function serverFrame(text: string): Buffer {
  const masked = textFrame(text);
  const length = Buffer.byteLength(text);
  const head = masked.length - 4 - length;
  masked[1] = (masked[1] ?? 0) & 0x7f;
  return Buffer.concat([masked.subarray(0, head), masked.subarray(head + 4)]);
}

test("WebSocket messages are found whole however the bytes are cut", () => {
  fc.assert(
    fc.property(texts, cuts, (messages, at) => {
      const found: string[] = [];
      const pings: string[] = [];
      const walk = webSocketWalk({
        message: (bytes, start, end) => found.push(bytes.toString("utf8", start, end)),
        ping: (payload) => pings.push(String(payload)),
        closed: (code, reason) => found.push(`${code} ${reason}`),
      });
      const ping = Buffer.from([0x89, 2, 0x68, 0x69]);
      const close = Buffer.from([0x88, 6, 0x0f, 0xa8, ...Buffer.from("slow")]);
      feed(Buffer.concat([ping, ...messages.map(serverFrame), close]), at, walk);
      assert.deepEqual(found, [...messages, "4008 slow"]);
      assert.deepEqual(pings, ["hi"]);
    }),
    { numRuns: 60 },
  );
});

test("a fragmented message is refused, not misread", () => {
  const walk = webSocketWalk({ message: () => {}, ping: () => {}, closed: () => {} });
  const isRefused = (error: unknown) => error instanceof MillraceError && error.code === "unsupported_type";
  assert.throws(() => walk(Buffer.from([0x01, 1, 0x61]), 0, 3), isRefused);
});

test("server-sent events come out of chunks whole however both are cut", () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 400 }), { minLength: 1, maxLength: 8 }), cuts, cuts, (sizes, chunks, reads) => {
      const body = Buffer.from(sizes.map((size, at) => `id: e:${at}\ndata: ${"y".repeat(size)}\n\n`).join(""));
      const pieces: Buffer[] = [];
      feed(body, chunks, (bytes, start, end) => {
        if (end > start)
          pieces.push(
            Buffer.from(`${(end - start).toString(16)}\r\n`),
            Buffer.from(bytes.subarray(start, end)),
            Buffer.from("\r\n"),
          );
        return end;
      });
      let read = "";
      const inner = new Carry();
      const events = eventWalk((bytes, start, end) => {
        read += bytes.toString("utf8", start, end);
        assert.ok(read.endsWith("\n\n"));
      });
      feed(
        Buffer.concat(pieces),
        reads,
        chunkWalk((bytes, start, end) => inner.read(bytes.subarray(start, end), end - start, events)),
      );
      assert.equal(read, String(body));
    }),
  );
});

test("a response head is read once it is whole", () => {
  const head = Buffer.from("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 12\r\n\r\nbody");
  assert.equal(readHead(head, 0, 30), undefined);
  assert.deepEqual(readHead(head, 0, head.length), { status: 200, isChunked: true, length: 12, end: head.length - 4 });
  assert.throws(() => readHead(Buffer.from("SSH-2.0\r\n\r\n"), 0, 11), /did not answer with HTTP/);
});

test("Redis' answers are counted however they are cut", () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 30 }), cuts, (errors, at) => {
      const found: boolean[] = [];
      const bytes = Buffer.from(
        errors.map((isError) => (isError ? "-ERR no\r\n" : "$15\r\n1790000000000-0\r\n")).join(""),
      );
      feed(
        bytes,
        at,
        replyWalk((isError) => found.push(isError)),
      );
      assert.deepEqual(found, errors);
    }),
  );
});
