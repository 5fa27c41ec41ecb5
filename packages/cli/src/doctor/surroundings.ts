/** What is around the process: the port, programs and packages that some things need. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { delimiter, join } from "node:path";
import { createClient } from "@millrace/client";
import { formatDuration } from "../format.ts";
import { PROBE_TIMEOUT_MS } from "../limits.ts";
import type { Environment } from "../read-options.ts";
import type { Check } from "./check.ts";

const HOST = "127.0.0.1";

export async function checkPort(port: number): Promise<Check> {
  const name = "Port";
  if (await isFree(port)) return { name, state: "ok", found: `${port} is free; "millrace serve" takes it` };
  const url = `http://${HOST}:${port}`;
  try {
    const overview = await createClient({ url }).overview({ signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    const { version, uptimeMs, totals } = overview;
    return {
      name,
      state: "ok",
      found: `an engine ${version} answers at ${url}, up ${formatDuration(uptimeMs)}, ${totals.spaces} spaces`,
    };
  } catch {
    return {
      name,
      state: "warn",
      found: `${port} is taken by another program`,
      fix: "choose another with --port, or stop that program",
    };
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, HOST, () => probe.close(() => resolve(true)));
  });
}

export function checkChromium(environment: Environment): Check {
  const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
  const given = environment.MILLRACE_CHROMIUM;
  const path = given && existsSync(given) ? given : findProgram(names, environment);
  const fix = "only to run the browser tests: apt-get install chromium, or set MILLRACE_CHROMIUM";
  return optional("Chromium", path, fix);
}

export function checkNats(environment: Environment): Check {
  const fix = "only to run the scale-out tests: apt-get install nats-server";
  return optional("nats-server", findProgram(["nats-server"], environment), fix);
}

export function checkTransformers(): Check {
  const fix = "only for --embedding transformers: npm install @huggingface/transformers";
  try {
    return optional("transformers", createRequire(import.meta.url).resolve("@huggingface/transformers"), fix);
  } catch {
    return optional("transformers", undefined, fix);
  }
}

function optional(name: string, path: string | undefined, fix: string): Check {
  return path === undefined
    ? { name, state: "warn", found: "not found (optional)", fix }
    : { name, state: "ok", found: path };
}

function findProgram(names: readonly string[], { PATH = "" }: Environment): string | undefined {
  const folders = PATH.split(delimiter).filter(Boolean);
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
}
