/** A server that speaks `POST /v1/embeddings`, with a model of its own: what it makes of a text depends on the text's last word alone. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { createRng } from "@millrace/core";

export const LAST_WORD_DIMS = 24;

export type EmbeddingServer = {
  readonly url: string;
  /** Texts embedded so far. */
  readonly embedded: number;
  /** Asked before each request is answered: a status to refuse with, or undefined once it may be answered. */
  before: (texts: readonly string[]) => Promise<number | undefined>;
} & AsyncDisposable;

export async function startEmbeddingServer(dims = LAST_WORD_DIMS): Promise<EmbeddingServer> {
  let embedded = 0;
  const server = createServer(async (request, response) => {
    const { input } = JSON.parse(await bodyOf(request)) as { input: string[] };
    const status = await started.before(input);
    if (status !== undefined) return void response.writeHead(status).end("no");
    embedded += input.length;
    const data = input.map((text, index) => ({ index, embedding: lastWordVector(text, dims) }));
    response.setHeader("content-type", "application/json").end(JSON.stringify({ data }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const started: EmbeddingServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    get embedded() {
      return embedded;
    },
    before: async () => undefined,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
  return started;
}

function lastWordVector(text: string, dims: number): number[] {
  const word = /[\p{L}\p{N}]+(?=[^\p{L}\p{N}]*$)/u.exec(text)?.[0] ?? "";
  const rng = createRng(createHash("sha256").update(word.toLowerCase()).digest().readUInt32LE(0));
  return Array.from({ length: dims }, () => rng() * 2 - 1);
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString("utf8");
}
