import { connect, createServer, type Server, type Socket } from "node:net";

/** Stands between clients and an engine and cuts their connections, or stops them: all at once, or each after so many bytes of the engine's. */
export class CuttingRelay implements AsyncDisposable {
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  /** Bytes after which the next connection is cut. */
  nextCut: () => number = () => Number.POSITIVE_INFINITY;
  /** Bytes after which the next connection stands still: what follows is not taken from the engine. */
  nextStop: () => number = () => Number.POSITIVE_INFINITY;
  /** Whether connections are let through. */
  isOpen = true;
  /** Connections cut after their number of bytes. */
  cuts = 0;
  readonly url: string;

  private constructor(server: Server) {
    this.#server = server;
    const address = server.address();
    if (typeof address !== "object" || !address) throw new Error("the relay listens on a port");
    this.url = `http://127.0.0.1:${address.port}`;
  }

  /** A relay to the engine at that address. */
  static async start(url: string): Promise<CuttingRelay> {
    const port = Number(new URL(url).port);
    const server = createServer({ noDelay: true });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const relay = new CuttingRelay(server);
    server.on("connection", (near) => relay.#join(near, connect({ port, host: "127.0.0.1", noDelay: true })));
    return relay;
  }

  /** Cuts every connection now. */
  cut(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(near: Socket, far: Socket): void {
    const pair = [near, far] as const;
    this.#pairs.add(pair);
    let left = this.nextCut();
    let untilStop = this.nextStop();
    let isCut = false;
    const end = () => {
      near.destroy();
      far.destroy();
      this.#pairs.delete(pair);
    };
    for (const socket of pair) socket.on("error", end).on("close", end);
    if (!this.isOpen) near.destroy();
    near.on("data", (data) => far.write(data));
    far.on("data", (data) => {
      if (isCut) return;
      untilStop -= data.length;
      if (untilStop <= 0) far.pause();
      near.write(data.subarray(0, left));
      left -= data.length;
      if (left > 0) return;
      isCut = true;
      // Ends behind the bytes that were let through, in the middle of whatever they are.
      this.cuts++;
      near.destroySoon();
    });
  }
}
