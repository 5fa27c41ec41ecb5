/** The engine a command works on: a running one by its address, or one opened in this process over the data directory. */
import { existsSync } from "node:fs";
import { type Client, createClient } from "@millrace/client";
import { MillraceError } from "@millrace/core";
import type { ServerOptions } from "@millrace/server";
import type { CommandContext } from "./command.ts";
import { PROBE_TIMEOUT_MS } from "./limits.ts";
import { OPTIONS, type OptionName } from "./options.ts";
import { loadServer } from "./server-module.ts";

/** Options of a command that works on an engine. */
export const LINK_OPTIONS = ["url", "data"] as const satisfies readonly OptionName[];
/** Options of a command that may open an engine which embeds. */
export const EMBEDDING_OPTIONS = [
  "embedding",
  "embedding-url",
  "embedding-model",
  "embedding-model-directory",
] as const satisfies readonly OptionName[];

export type EngineLink = {
  readonly client: Client;
  /** Opened in this process: nothing else is added to it. */
  readonly isEmbedded: boolean;
  /** The arguments that reach the same engine again, for "go on with" lines. */
  readonly reach: string;
} & AsyncDisposable;

/** `mustExist`: a command that only reads does not make a data directory. */
export async function openEngine(
  context: CommandContext,
  { mustExist }: { readonly mustExist: boolean },
): Promise<EngineLink> {
  const { options, given } = context;
  if (given.has("url") && given.has("data")) {
    throw new MillraceError(
      "invalid_argument",
      "--url and --data are both given; a running engine has its own data: give one",
    );
  }
  if (options.url !== undefined && !given.has("data")) return connect(options.url);
  if (mustExist && !existsSync(options.data)) {
    const text = `there is no data directory ${options.data}; add something first (millrace add DIR), or name a running engine with --url`;
    throw new MillraceError("not_found", text);
  }
  return embed(context);
}

function connect(url: string): EngineLink {
  const client = createClient({ url });
  const close = async () => client.close();
  return { client, isEmbedded: false, reach: ` --url ${client.url}`, [Symbol.asyncDispose]: close };
}

async function embed(context: CommandContext): Promise<EngineLink> {
  const { options } = context;
  const { startServer } = await loadServer();
  const politeness = options["ignore-robots"] ? { politeness: { heedsRobots: false } } : {};
  const server = await startServer({ ...engineOptions(context), ...politeness, port: 0 }).catch(
    async (error: unknown) => {
      throw await withAddress(error);
    },
  );
  const client = createClient({ url: server.url });
  const close = async () => {
    client.close();
    await server.close();
  };
  const reach = options.data === OPTIONS.data.default ? "" : ` --data ${options.data}`;
  return { client, isEmbedded: true, reach, [Symbol.asyncDispose]: close };
}

/** The directory is held: when an engine answers on the usual port, that is most likely the one to use. */
async function withAddress(error: unknown): Promise<unknown> {
  if (!(error instanceof MillraceError) || error.code !== "data_in_use") return error;
  const url = `http://127.0.0.1:${OPTIONS.port.default}`;
  if (!(await answers(url))) return error;
  return new MillraceError("data_in_use", `${error.message}; an engine answers at ${url}: add --url ${url}`, {
    cause: error,
  });
}

/** Whether an engine is at the address. */
export async function answers(url: string): Promise<boolean> {
  const client = createClient({ url });
  return client
    .overview({ signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) })
    .then(() => true)
    .catch(() => false);
}

/** What the options say about the engine to open. */
export function engineOptions({ options, environment }: CommandContext): Omit<ServerOptions, "port"> {
  const bytesMax = options["data-bytes-max"];
  const { embedding: provider, "embedding-model": model, "embedding-url": url } = options;
  const modelDirectory = options["embedding-model-directory"];
  const apiKey = environment.MILLRACE_EMBEDDING_KEY;
  return {
    directory: options.data,
    ...(bytesMax === undefined ? {} : { dataBytesMax: bytesMax }),
    allowAddresses: options["allow-address"],
    embedding: {
      provider,
      ...(model ? { model } : {}),
      ...(url ? { url } : {}),
      ...(modelDirectory ? { modelDirectory } : {}),
      ...(apiKey ? { apiKey } : {}),
    },
  };
}
