/** A peer for appends: XADD on a Redis stream, its append-only file synced before each answer (`always`) or every second. */
import { MillraceError } from "@millrace/core";
import { Carry, type Walk } from "../load/carry.ts";
import type { Publisher, PublisherEvents } from "../load/publisher.ts";
import { connectRaw } from "../load/raw-socket.ts";
import { type Peer, spawnPeer } from "./spawn-peer.ts";

export function spawnRedis(sync: "always" | "everysec"): Promise<Peer | undefined> {
  return spawnPeer("redis-server", (port, directory) => [
    ...["--port", String(port), "--bind", "127.0.0.1", "--dir", directory, "--save", ""],
    ...["--appendonly", "yes", "--appendfsync", sync],
  ]);
}

/** An append is one XADD an event, sent together; its answer is the last of theirs. */
export async function openRedis(port: number, events: PublisherEvents): Promise<Publisher> {
  const waiting: number[] = [];
  let from = 0;
  const reply = (isError: boolean, text: string) => {
    if (isError) events.failed(new MillraceError("unavailable", `Redis answered ${text}`));
    const left = (waiting[from] ?? 0) - 1;
    waiting[from] = left;
    if (left > 0) return;
    from++;
    if (from === waiting.length) {
      waiting.length = 0;
      from = 0;
    }
    events.answered();
  };
  const walk = replyWalk(reply);
  const carry = new Carry();
  let isClosed = false;
  const socket = await connectRaw(new URL(`redis://127.0.0.1:${port}`), {
    read: (bytes, length) => carry.read(bytes, length, walk),
    closed: (error) =>
      isClosed || events.failed(error ?? new MillraceError("unavailable", "Redis closed the connection")),
  });
  return {
    send: ({ stream, payloads }) => {
      waiting.push(payloads.length);
      socket.write(payloads.map((payload) => command(["XADD", stream, "*", "d", payload])).join(""));
    },
    close: () => {
      isClosed = true;
      socket.destroy();
    },
  };
}

/** RESP2: a command is an array of bulk strings. Texts here are ASCII. */
function command(parts: readonly string[]): string {
  return `*${parts.length}\r\n${parts.map((part) => `$${part.length}\r\n${part}\r\n`).join("")}`;
}

/** Walks over bulk strings (the ids of entries) and errors. */
export function replyWalk(reply: (isError: boolean, text: string) => void): Walk {
  return (bytes, start, end) => {
    let at = start;
    for (;;) {
      const view = bytes.subarray(at, end);
      const line = view.indexOf("\r\n");
      if (line < 0) return at;
      const head = view.toString("latin1", 0, line);
      const length = head.startsWith("$") ? Number(head.slice(1)) + 2 : 0;
      if (line + 2 + length > view.length) return at;
      reply(head.startsWith("-"), head);
      at += line + 2 + length;
    }
  };
}
