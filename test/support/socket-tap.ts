import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { LIMIT_MS, tooLate } from "./until.ts";

/** A bare socket that keeps what it is sent. */
export type SocketTap = {
  readonly socket: Socket;
  /** All that came so far. */
  all(): Buffer;
  /** All that came, once it is as wanted; rejects when that does not come in time or the peer ends first. */
  text(isWanted: (all: string) => boolean): Promise<string>;
  bytes(isWanted: (all: Buffer) => boolean): Promise<Buffer>;
  /** All that came, once the peer has ended. */
  ended(): Promise<string>;
} & AsyncDisposable;

/** Connects, sends, and reads from then on. */
export async function openTap(url: string, sent: string | Buffer): Promise<SocketTap> {
  const socket = connect({ port: Number(new URL(url).port), host: "127.0.0.1" });
  const parts: Buffer[] = [];
  const wakes = new Set<() => void>();
  const wake = () => {
    for (const run of [...wakes]) run();
  };
  socket.on("data", (part) => {
    parts.push(part as Buffer);
    wake();
  });
  socket.on("error", () => {});
  socket.on("close", wake);
  await once(socket, "connect");
  socket.write(sent);
  const all = () => Buffer.concat(parts);
  const when = (isWanted: () => boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      const shown = () => all().subarray(-400).toString();
      const late = setTimeout(() => settle(tooLate(shown())), LIMIT_MS);
      const settle = (error?: Error) => {
        clearTimeout(late);
        wakes.delete(look);
        if (error) reject(error);
        else resolve();
      };
      const look = () => {
        if (isWanted()) settle();
        else if (socket.closed) settle(new Error(`the peer ended before that came: ${shown()}`));
      };
      wakes.add(look);
      look();
    });
  const bytes = async (isWanted: (all: Buffer) => boolean) => {
    await when(() => isWanted(all()));
    return all();
  };
  return {
    socket,
    all,
    bytes,
    text: async (isWanted) => String(await bytes((some) => isWanted(some.toString()))),
    ended: async () => String(await bytes(() => socket.closed)),
    async [Symbol.asyncDispose]() {
      if (socket.closed) return;
      const closed = once(socket, "close");
      socket.destroy();
      await closed;
    },
  };
}
