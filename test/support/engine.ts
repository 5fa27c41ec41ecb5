import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, createClient } from "@millrace/client";
import { type Server, type ServerOptions, startServer } from "@millrace/server";

export type TestEngine = {
  readonly server: Server;
  readonly client: Client;
  readonly directory: string;
} & AsyncDisposable;

/** A real engine on a free port and a directory of its own; all of it is gone when it is disposed. */
export async function startEngine(options: Partial<ServerOptions> = {}): Promise<TestEngine> {
  const directory = options.directory ?? temporaryDirectory();
  const server = await startServer({ port: 0, ...options, directory });
  const client = createClient({ url: server.url });
  return {
    server,
    client,
    directory,
    async [Symbol.asyncDispose]() {
      await client.close();
      await server.close();
      if (options.directory === undefined) rmSync(directory, { recursive: true, force: true });
    },
  };
}

export function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), "millrace-"));
}
