import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type Route = (request: IncomingMessage, response: ServerResponse) => void;

export type Site = AsyncDisposable & {
  /** http://127.0.0.1:port */
  readonly url: string;
  readonly port: number;
  /** Paths in the order they were asked for. */
  readonly asked: string[];
  routes: Record<string, Route>;
};

export const HTML = { "content-type": "text/html; charset=utf-8" };

/** A server on a free port; a path without a route is not found. */
export async function openSite(routes: Record<string, Route>): Promise<Site> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    const route = site.routes[request.url ?? ""] ?? site.routes["*"];
    if (route) route(request, response);
    else response.writeHead(404).end("nothing here");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const site: Site = {
    url: `http://127.0.0.1:${port}`,
    ...{ port, asked, routes },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return site;
}

export const page =
  (html: string, headers: Record<string, string | string[]> = {}): Route =>
  (_, response) => {
    response.writeHead(200, { ...HTML, ...headers }).end(html);
  };

export const status =
  (code: number, headers: Record<string, string> = {}): Route =>
  (_, response) => {
    response.writeHead(code, headers).end(`status ${code}`);
  };

export const redirect = (location: string, code = 302): Route => status(code, { location });

/** Settles once `isTrue`, asked again each turn of the event loop. */
export async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise<void>((resolve) => setImmediate(resolve));
}

export const textOf = ({ bytes }: { readonly bytes: Uint8Array }): string => new TextDecoder().decode(bytes);
