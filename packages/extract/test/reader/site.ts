/** A web site on a free port of this machine, whose pages say how often they were asked for. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type Route = (request: IncomingMessage, response: ServerResponse) => void;
export type Site = { readonly url: string; readonly hits: Map<string, number> } & AsyncDisposable;

export const PARAGRAPH =
  "The mill stands where the brook falls, and its wheel has turned since before anyone wrote of it, slowly in summer and fast in spring.";

/** A page with a title, navigation, and `paragraphs` of text. */
export function pageOf(title: string, paragraphs = 6): string {
  const text = Array.from({ length: paragraphs }, (_, at) => `<p>${PARAGRAPH} Paragraph ${at}.</p>`).join("\n");
  return `<!doctype html><html lang="en"><head><title>${title}</title></head><body><nav><a href="/">Home</a> <a href="/all">All pages</a></nav>
<main><h1>${title}</h1>${text}<p>See <a href="/next" rel="nofollow">the next page</a>.</p></main><footer>Printed by the miller</footer></body></html>`;
}

/** What is not in `routes` is 404; there is no robots.txt. */
export async function openSite(routes: Readonly<Record<string, Route>>): Promise<Site> {
  const hits = new Map<string, number>();
  const server = createServer((request, response) => {
    const path = request.url ?? "/";
    hits.set(path, (hits.get(path) ?? 0) + 1);
    const route = routes[path];
    if (route) route(request, response);
    else response.writeHead(404).end("nothing here");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, hits, [Symbol.asyncDispose]: close };
}

export const html =
  (body: string, headers: Readonly<Record<string, string>> = {}): Route =>
  (_, response) =>
    response.writeHead(200, { "content-type": "text/html; charset=utf-8", ...headers }).end(body);
