import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Watermarks } from "../../src/index.ts";

export type FaultOrder =
  /** Has all observations up to a number accepted, and tries to have them durable. */
  | { readonly op: "send"; readonly to: number; readonly words?: boolean }
  | { readonly op: "reach"; readonly mark: keyof Watermarks }
  | { readonly op: "remove"; readonly ids: readonly string[] }
  /** Begins to delete the space. */
  | { readonly op: "drop" }
  /** Ends, as by kill -9, before the store is told to do this. */
  | { readonly op: "die-before"; readonly write: string }
  /** From now on no words reach the store. */
  | { readonly op: "hold-texts" };

export type FaultState = Watermarks & { readonly code: string; readonly live: number; readonly failures: number };

const program = fileURLToPath(new URL("./fault-process.ts", import.meta.url));
const FLAGS = ["--conditions=source", "--disable-warning=ExperimentalWarning"];

/** fault-process.ts, from outside. */
export class FaultProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess, lines: AsyncIterator<string>) {
    this.#child = child;
    this.#lines = lines;
  }

  static async start(directory: string): Promise<FaultProcess> {
    const child = spawn(process.execPath, [...FLAGS, program, directory], { stdio: ["pipe", "pipe", "inherit"] });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    assert.equal((await lines.next()).value, "ready");
    return new FaultProcess(child, lines);
  }

  async ask(order: FaultOrder): Promise<FaultState> {
    this.tell(order);
    return JSON.parse((await this.#lines.next()).value) as FaultState;
  }

  /** Does not wait for the answer. */
  tell(order: FaultOrder): void {
    this.#child.stdin?.write(`${JSON.stringify(order)}\n`);
  }

  /** No file of the process grows past so many bytes. */
  limitFiles(bytes: number | "unlimited"): void {
    execFileSync("prlimit", ["--pid", String(this.#child.pid), `--fsize=${bytes}:unlimited`]);
  }

  /** Resolves when it is dead. */
  async died(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    await once(this.#child, "exit");
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await exited;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}
