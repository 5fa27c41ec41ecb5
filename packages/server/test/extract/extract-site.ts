/** A web site on a free port of this machine, and an engine that may read it as fast as it likes. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ServerOptions } from "@millrace/server";
import { startEngine, type TestEngine } from "../../../../test/support/engine.ts";

export type Route = (request: IncomingMessage, response: ServerResponse) => void;

export type Site = {
  readonly url: string;
  /** Paths in the order they were asked for, robots.txt left out. */
  readonly asked: string[];
  /** Settles once `count` pages were asked for. */
  readonly askedFor: (count: number) => Promise<void>;
  /** Settles when a request was given up by the engine. */
  readonly abandoned: Promise<void>;
} & AsyncDisposable;

const WORDS = "The mill stands where the brook falls, and its wheel has turned since before anyone wrote of it. ";

export function pageOf(title: string, paragraphs = 4): string {
  const text = Array.from({ length: paragraphs }, (_, at) => `<p>${WORDS.repeat(3)} Number ${at} of ${title}.</p>`);
  return `<!doctype html><html lang="en"><title>${title}</title><body><nav><a href="/">Home</a></nav><main><h1>${title}</h1>${text.join("")}</main></body></html>`;
}

export async function openSite(route: (path: string) => Route | string | undefined): Promise<Site> {
  const asked: string[] = [];
  const waiting = new Set<() => void>();
  const abandoned = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    const path = request.url ?? "/";
    const found = path === "/robots.txt" ? undefined : route(path);
    if (path !== "/robots.txt") asked.push(path);
    for (const look of waiting) look();
    response.once("close", () => !response.writableFinished && abandoned.resolve());
    if (found === undefined) response.writeHead(404).end("nothing here");
    else if (typeof found === "string") response.writeHead(200, { "content-type": "text/html" }).end(found);
    else found(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const askedFor = (count: number) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (asked.length < count) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  // Its port stays taken, so that no site of a later test has the address of what an engine's cache holds of this one.
  const close = async () => {
    server.closeAllConnections();
    server.unref();
  };
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, asked, askedFor, abandoned: abandoned.promise, [Symbol.asyncDispose]: close };
}

export function startReader(options: Partial<ServerOptions> = {}): Promise<TestEngine> {
  return startEngine({
    allowAddresses: ["127.0.0.1"],
    politeness: { ratePerSecond: 1_000, burst: 1_000 },
    ...options,
  });
}

export function post(url: string, body: unknown, accept = "application/json", signal?: AbortSignal): Promise<Response> {
  return fetch(`${url}/v1/extract`, {
    method: "POST",
    headers: { "content-type": "application/json", accept },
    body: JSON.stringify(body),
    signal: signal ?? null,
  });
}

export type Line = { readonly seq: number; readonly epoch: string; readonly type: string; readonly data: never };

/** The lines of an answer as they come. */
export async function* linesOf(response: Response): AsyncGenerator<Line> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const part of response.body ?? []) {
    const lines = (rest + decoder.decode(part as Uint8Array, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield JSON.parse(line) as Line;
  }
  if (rest !== "") throw new Error(`the answer ends within a line: ${rest.slice(0, 80)}`);
}
