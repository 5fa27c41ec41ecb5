import { type ChildProcess, fork } from "node:child_process";
import { Deadline, MillraceError } from "@millrace/core";
import type { FromGenerator, ToGenerator } from "./generator-messages.ts";
import { stopChild } from "./spawn-server.ts";
import { generatorPath } from "./worker-url.ts";

type Kind = FromGenerator["kind"];

/** One generator in a process of its own: what it says can be waited for, by kind. */
export class GeneratorProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #heard: FromGenerator[] = [];
  #failure: MillraceError | undefined;
  #wake = () => {};

  constructor() {
    this.#child = fork(generatorPath, {
      execArgv: ["--conditions=source", "--disable-warning=ExperimentalWarning"],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#child.on("message", (message: FromGenerator) => this.#hear(message));
    this.#child.on("error", (error) => this.#fail(error.message));
    this.#child.on("exit", (code, signal) => this.#fail(`the generator ended with ${signal ?? code}`));
  }

  tell(message: ToGenerator): void {
    if (this.#child.connected) this.#child.send(message);
  }

  /** The next message, which must be of that kind. */
  async wait<K extends Kind>(kind: K, withinMs: number): Promise<Extract<FromGenerator, { kind: K }>> {
    const message = await Deadline.after(withinMs).race(`waiting for the generator's "${kind}"`, this.#next());
    if (message.kind === "failed") throw new MillraceError("unavailable", message.message);
    if (message.kind === kind) return message as Extract<FromGenerator, { kind: K }>;
    throw new MillraceError("internal", `the generator said ${message.kind} when ${kind} was waited for`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    await stopChild(this.#child);
  }

  async #next(): Promise<FromGenerator> {
    for (;;) {
      const message = this.#heard.shift();
      if (message) return message;
      if (this.#failure) throw this.#failure;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #hear(message: FromGenerator): void {
    this.#heard.push(message);
    this.#wake();
  }

  #fail(reason: string): void {
    this.#failure ??= new MillraceError("unavailable", reason);
    this.#wake();
  }
}
