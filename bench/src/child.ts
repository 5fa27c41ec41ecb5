import { type ChildProcess, spawn } from "node:child_process";
import { MillraceError } from "@millrace/core";
import type { Measurement } from "./case.ts";
import { runCasePath } from "./child-url.ts";
import { CHILD_OUTPUT_BYTES_MAX, CHILD_TIMEOUT_MS } from "./limits.ts";
import { notesIn } from "./note.ts";

export type ChildRun = {
  readonly name: string;
  readonly warmup: number;
  readonly casesDirectory: string;
  readonly signal?: AbortSignal;
};

/** Figures of one run, and what the case said beside them. */
export type ChildOutcome = { readonly figures: Measurement; readonly notes: readonly string[] };

/** One run of a case in a process of its own. Fails with the end of the child's stderr. */
export function runChild(run: ChildRun): Promise<ChildOutcome> {
  const options = ["--conditions=source", runCasePath(), run.name, "--warmup", String(run.warmup)];
  return read(spawn(process.execPath, [...options, "--cases", run.casesDirectory], childOptions), run);
}

/** One run of the same case by another command: `COMMAND NAME --warmup N` must print the figures as its last line. */
export function runBaseline(command: string, run: ChildRun): Promise<ChildOutcome> {
  return read(spawn(`${command} ${run.name} --warmup ${run.warmup}`, { ...childOptions, shell: true }), run);
}

const childOptions = { stdio: ["ignore", "pipe", "pipe"] as ["ignore", "pipe", "pipe"] };

async function read(child: ChildProcess, { name, signal }: ChildRun): Promise<ChildOutcome> {
  const limits = [AbortSignal.timeout(CHILD_TIMEOUT_MS), ...(signal ? [signal] : [])];
  const stop = AbortSignal.any(limits);
  const kill = () => child.kill("SIGKILL");
  stop.addEventListener("abort", kill, { once: true });
  let [stdout, stderr] = ["", ""];
  child.stdout?.on("data", (text: Buffer) => {
    stdout = (stdout + text.toString()).slice(-CHILD_OUTPUT_BYTES_MAX);
  });
  child.stderr?.on("data", (text: Buffer) => {
    stderr = (stderr + text.toString()).slice(-4_096);
  });
  try {
    if (stop.aborted) kill();
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject).once("close", resolve);
    });
    if (stop.aborted) throw MillraceError.from(stop.reason, "cancelled");
    if (code !== 0) throw new MillraceError("internal", `case ${name} exited with ${code}: ${stderr.trim()}`);
    return { figures: parseMeasurement(name, stdout), notes: notesIn(stdout) };
  } finally {
    stop.removeEventListener("abort", kill);
  }
}

function parseMeasurement(name: string, stdout: string): Measurement {
  const line = stdout.trimEnd().split("\n").at(-1) ?? "";
  try {
    const parsed: unknown = JSON.parse(line);
    if (typeof parsed === "object" && parsed !== null && Object.values(parsed).every(Number.isFinite)) {
      return parsed as Measurement;
    }
  } catch {
    // Said below.
  }
  throw new MillraceError(
    "internal",
    `case ${name} printed no figures as its last line but ${JSON.stringify(line.slice(0, 200))}`,
  );
}
