import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** A server on a free port of this machine. */
export async function serve(listener: RequestListener): Promise<{ server: Server; url: string } & AsyncDisposable> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { server, url, [Symbol.asyncDispose]: close };
}

/** An address of this machine where nothing listens. */
export async function closedUrl(): Promise<string> {
  const { url, [Symbol.asyncDispose]: close } = await serve(() => {});
  await close();
  return url;
}
