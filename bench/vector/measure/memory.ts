import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { MillraceError } from "@millrace/core";
import type { MemoryFigures, MemoryTask } from "./memory-task.ts";
import { memoryChildPath } from "./worker-url.ts";

/** Longest a child may take. */
const CHILD_MS_MAX = 8 * 60_000;

/**
 * Builds one index in a process of its own and says by how much its resident memory grew: whatever an index allocates, wherever.
 * `unavailable` when the child failed, with the end of what it said.
 */
export async function measureMemory(task: MemoryTask): Promise<MemoryFigures> {
  const args = ["--conditions=source", "--disable-warning=ExperimentalWarning", "--expose-gc", memoryChildPath];
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [...args, JSON.stringify(task)], {
      timeout: CHILD_MS_MAX,
    });
    return JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "") as MemoryFigures;
  } catch (cause) {
    const said =
      cause instanceof Error && "stderr" in cause ? String(cause.stderr).trim().slice(-1_000) : String(cause);
    throw new MillraceError("unavailable", `memory of ${task.contender} was not measured: ${said}`, { cause });
  }
}
