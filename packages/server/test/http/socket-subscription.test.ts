import assert from "node:assert/strict";
import { test } from "node:test";
import type { MillraceError } from "@millrace/core";
import type { ClientMessage, StreamId } from "@millrace/protocol";
import { Batch } from "@millrace/stream";
import type { SocketSession } from "../../src/http/socket-session.ts";
import { SocketSubscription } from "../../src/http/socket-subscription.ts";

const stream = "chat" as StreamId;

/** A subscription whose socket keeps what it is sent. */
function subscription(options: Partial<Extract<ClientMessage, { op: "subscribe" }>>) {
  const sent: unknown[] = [];
  const failures: MillraceError[] = [];
  const session = {
    unsentBytes: 0,
    send: (frame: Buffer) => void sent.push(JSON.parse(frame.subarray(frame[1] === 126 ? 4 : 2).toString())),
    served: () => {},
    fail: (_: SocketSubscription, error: MillraceError) => void failures.push(error),
  } as unknown as SocketSession;
  const one = new SocketSubscription(session, { op: "subscribe", sub: 7, stream, ...options });
  one.begin({ stream, epoch: "e1", head: 3, durable: 3, after: 0 });
  sent.length = 0;
  return { one, sent, failures };
}

const batch = (epoch: string, from: number, to: number, writtenUnder = epoch) =>
  new Batch(
    stream,
    epoch,
    Array.from({ length: to - from + 1 }, (_, at) => {
      const seq = from + at;
      const json = `{"stream":"chat","epoch":"${writtenUnder}","seq":${seq},"ts":1,"type":"x","id":"n","data":${seq}}`;
      return { seq, json };
    }),
  );

test("a reader of the compact form is told when the frames that follow are of another epoch, once", () => {
  const { one, sent } = subscription({ format: "compact" });
  one.frames(batch("e1", 1, 2));
  one.frames(batch("e2", 3, 3));
  one.frames(batch("e2", 4, 4));
  one.gap({ stream, epoch: "e3", after: 4, first: 4, head: 4, reason: "epoch" });
  one.frames(batch("e3", 4, 4));
  const frame = (seq: number) => [7, [seq, 1, "x", "n", seq]];
  assert.deepEqual(sent, [
    [7, [1, 1, "x", "n", 1], [2, 1, "x", "n", 2]],
    { op: "epoch", sub: 7, epoch: "e2", after: 2 },
    frame(3),
    frame(4),
    { op: "gap", sub: 7, stream, epoch: "e3", after: 4, first: 4, head: 4, reason: "epoch" },
    frame(4),
  ]);
});

test("frames as objects carry their epoch themselves", () => {
  const { one, sent } = subscription({});
  one.frames(batch("e2", 1, 1, "e1"));
  assert.equal(sent.length, 1);
  assert.equal((sent[0] as { frames: { epoch: string }[] }).frames[0]?.epoch, "e1");
});

test("an acknowledgement that crossed a cut of the log is taken as far as it goes; one of what was never sent is refused", () => {
  const { one, failures } = subscription({ window: 10 });
  one.frames(batch("e1", 1, 9));
  assert.equal(one.framesMax, 1);
  one.gap({ stream, epoch: "e2", after: 9, first: 5, head: 6, reason: "epoch" });
  one.frames(batch("e2", 5, 6));
  one.acknowledged(9);
  assert.deepEqual([failures.length, one.framesMax], [0, 10]);
  one.acknowledged(10);
  assert.equal(failures[0]?.code, "invalid_argument");
});
