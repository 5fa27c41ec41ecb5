import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** One address in front of engines that come and go, whose connections can be cut. */
export type CuttingProxy = {
  readonly url: string;
  /** Connections made so far. */
  readonly connections: number;
  /** Cuts every connection, at whatever byte it is. */
  cut(): void;
  /** Sends new connections to that engine; until then, and with undefined, they are refused. */
  aim(url: string | undefined): void;
} & AsyncDisposable;

export async function startProxy(target?: string): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  let port = target === undefined ? undefined : portOf(target);
  let connections = 0;
  const server = createServer((near) => {
    connections++;
    if (port === undefined) return void near.destroy();
    const far = connect({ port, host: "127.0.0.1" });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on("error", () => {});
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = () => {
    for (const socket of [...sockets]) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get connections() {
      return connections;
    },
    cut,
    aim(url) {
      port = url === undefined ? undefined : portOf(url);
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      cut();
      await closed;
    },
  };
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}
