import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { MillraceError } from "@millrace/core";
import type { Command, CommandContext, ExitCode } from "./command.ts";

/** The benchmarks live beside the packages in the repository and are not published. The same place from src/ and from dist/. */
const ENTRY = fileURLToPath(new URL("../../../bench/src/main.ts", import.meta.url));

/** Commands of the benchmark program; anything else is what to run. */
const ACTIONS: ReadonlySet<string> = new Set([
  "run",
  "list",
  "compare",
  "report",
  "streams",
  "index",
  "ingest",
  "extract",
]);

/** Runs benchmark cases in the repository. */
export const benchCommand: Command = {
  name: "bench",
  summary: "run benchmark cases (in a checkout of the repository)",
  usage: "[REGEX | list | compare OLD NEW | report | streams | index | ingest | extract]",
  operands: { min: 0, max: Number.POSITIVE_INFINITY },
  options: ["json", "help"],
  takesAnyOption: true,
  examples: [
    ["millrace bench", "every case"],
    ["millrace bench recall --repeats 5 --json", "the cases whose name matches, five times each, as JSON"],
    ["millrace bench list", "what there is to run"],
    [
      "millrace bench streams --subscribers 500 --rate 0 --seconds 10 --json",
      "fan-out over real sockets, the generator in its own process",
    ],
    [
      "millrace bench index --base B.f32 --query Q.f32 --truth T.i32 --dims 768 --metric cosine --json",
      "the vector index on vectors of your own",
    ],
    [
      "millrace bench ingest --base B.f32 --query Q.f32 --truth T.i32 --dims 768 --rate 100000 --seconds 60 --recalls 100 --json",
      "the whole engine under a load of observations and recalls",
    ],
    [
      "millrace bench extract --pages html/ --truth ground-truth/ --peers trafilatura --json",
      "main content found on pages whose main content is known",
    ],
    ["millrace bench compare old/ new/", "two sets of results; exit code 1 when one got slower"],
  ],
  notes: ["Further options go to the benchmark program as they are."],
  run: bench,
};

async function bench({ operands }: CommandContext): Promise<ExitCode> {
  if (!existsSync(ENTRY)) {
    const text =
      "the benchmarks are not part of the published command; run it in a checkout: git clone, npm ci, npx millrace bench";
    throw new MillraceError("not_found", text);
  }
  const args = ACTIONS.has(operands[0] ?? "") ? operands : ["run", ...operands];
  const child = spawn(process.execPath, ["--conditions=source", ENTRY, ...args], { stdio: "inherit" });
  return new Promise((resolve, reject) => {
    child.once("error", (error) => reject(MillraceError.from(error)));
    // Ctrl-C reaches the child by itself, being in the same group; its end is ours.
    child.once("exit", (code, signal) => resolve(signal ? 130 : code === 0 ? 0 : code === 2 ? 2 : 1));
  });
}
