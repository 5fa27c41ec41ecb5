import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, Deadline } from "@millrace/core";
import { WebSocket } from "ws";
import { LIMIT_MS } from "../../../../test/support/until.ts";
import { type Server, startServer } from "../../src/server.ts";

export type Reply = {
  readonly id?: number;
  readonly error?: { code: number; message: string; temporary?: boolean };
  readonly push?: {
    channel: string;
    pub?: { offset: number; data: unknown };
    unsubscribe?: { code: number; reason: string };
  };
} & Readonly<Record<string, unknown>>;

/** A server on a free port with a directory of its own; all of it is gone when it is disposed. */
export async function startTestServer(clock?: Clock): Promise<{ server: Server } & AsyncDisposable> {
  const directory = mkdtempSync(join(tmpdir(), "millrace-"));
  const server = await startServer({ port: 0, directory, ...(clock ? { clock } : {}) });
  return {
    server,
    async [Symbol.asyncDispose]() {
      await server.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** A client that speaks the protocol by hand and so can break it. */
export class RawClient implements Disposable {
  readonly socket: WebSocket;
  /** Everything that came, in order; a ping is an empty object. */
  readonly replies: Reply[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  #nextId = 1;
  #wakes: (() => void)[] = [];

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("error", () => {});
    socket.on("message", (data) => {
      for (const line of String(data).split("\n")) this.replies.push(JSON.parse(line) as Reply);
      this.#wake();
    });
    this.closed = new Promise((resolve) =>
      socket.once("close", (code, reason) => {
        resolve({ code, reason: String(reason) });
        this.#wake();
      }),
    );
  }

  static async open({ url }: Server): Promise<RawClient> {
    const socket = new WebSocket(`${url.replace("http", "ws")}/connection/websocket`);
    const client = new RawClient(socket);
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    return client;
  }

  static async connected(server: Server): Promise<RawClient> {
    const client = await RawClient.open(server);
    await client.call("connect", {});
    return client;
  }

  send(text: string): void {
    this.socket.send(text);
  }

  /** Sends one command and gives its reply. */
  async call(method: string, params: object): Promise<Reply> {
    const id = this.#nextId++;
    this.send(JSON.stringify({ id, [method]: params }));
    return this.find((reply) => reply.id === id);
  }

  /** The first reply, come or to come, that is meant. */
  async find(isMeant: (reply: Reply) => boolean): Promise<Reply> {
    const deadline = Deadline.after(LIMIT_MS);
    for (;;) {
      const found = this.replies.find(isMeant);
      if (found) return found;
      if (this.socket.readyState === WebSocket.CLOSED) throw new Error("the socket was closed");
      await deadline.race("waiting for a reply", new Promise<void>((resolve) => this.#wakes.push(resolve)));
    }
  }

  offsets(channel: string): number[] {
    return this.replies.flatMap(({ push }) => (push?.channel === channel && push.pub ? [push.pub.offset] : []));
  }

  /** Stops reading from the kernel, so that the server's own buffers fill. */
  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  [Symbol.dispose](): void {
    this.socket.terminate();
  }

  #wake(): void {
    const wakes = this.#wakes;
    this.#wakes = [];
    for (const wake of wakes) wake();
  }
}

export async function unsentBytes({ url }: Server): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(/^millrace_subscriber_unsent_bytes (\d+)$/m.exec(metrics)?.[1]);
}

export async function subscribers({ url }: Server): Promise<number> {
  return ((await (await fetch(`${url}/v1/overview`)).json()) as { subscribers: number }).subscribers;
}

/** Asks again and again, for as long as it takes to get there. */
export async function until(isReached: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Deadline.after(LIMIT_MS);
  while (!(await isReached())) {
    deadline.check("waiting for the server");
    await new Promise((resolve) => setImmediate(resolve));
  }
}
