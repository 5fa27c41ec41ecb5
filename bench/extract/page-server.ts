/** Pages on this machine, each at an origin of its own: 127.0.0.K for K from 1, one port. So no site's rate limit is met. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { synthesizePage } from "./synthetic-page.ts";

/** Addresses of the loopback network that are used for origins. */
const ORIGINS = 200;
/** Pages that differ; an address and path chooses one. */
const VARIANTS = 8;

export type PageServer = AsyncDisposable & {
  /** The address of page `at`; neighbours stand on other origins. */
  readonly urlOf: (at: number) => string;
};

export async function startPageServer({ bytes }: { readonly bytes: number }): Promise<PageServer> {
  const pages = Array.from({ length: VARIANTS }, (_, seed) => synthesizePage({ bytes, seed: seed + 1 }).html);
  const server = createServer((request, response) => {
    const at = Number(/^\/p\/(\d+)$/.exec(request.url ?? "")?.[1]);
    if (!Number.isInteger(at)) return void response.writeHead(404).end();
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(pages[at % VARIANTS]);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "0.0.0.0", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    urlOf: (at) => `http://127.0.0.${1 + (at % ORIGINS)}:${port}/p/${at}`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
