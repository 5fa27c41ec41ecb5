/** A peer in a process of its own, which is killed at a page's deadline and started again. */
import { type ChildProcess, fork } from "node:child_process";
import { Deadline, fromErrorBody, MillraceError } from "@millrace/core";
import { peerChildPath } from "./child-url.ts";
import { PEER_PAGE_MS, PEER_RESTARTS_MAX, PEER_START_MS } from "./limits.ts";
import type { FromPeer, PageForPeer } from "./peer-messages.ts";
import type { PeerAnswer } from "./peers/answer.ts";
import type { PeerName } from "./peers/peer.ts";

export type PeerOutcome = {
  /** Undefined: the peer threw, died or ran out of time. */
  readonly answer: PeerAnswer | undefined;
  /** Why there is none. */
  readonly reason?: string;
  /** Of a process that died or was killed on the page: the time on the clock until then. */
  readonly cpuMs: number;
};

export type PeerProcessOptions = {
  /** Entry of the process; default: the one of this folder. A test gives one that misbehaves. */
  readonly path?: string;
  /** Default 30 s. */
  readonly pageMs?: number;
};

/** One page at a time. */
export class PeerProcess implements AsyncDisposable {
  readonly name: PeerName;
  readonly #path: string;
  readonly #pageMs: number;
  #child: ChildProcess | undefined;
  #versions: Readonly<Record<string, string>> = {};
  #restarts = 0;
  #peakRssBytes = 0;

  private constructor(name: PeerName, { path = peerChildPath(), pageMs = PEER_PAGE_MS }: PeerProcessOptions) {
    this.name = name;
    this.#path = path;
    this.#pageMs = pageMs;
  }

  /** `unavailable` when the peer's packages are missing or its process does not start. */
  static async start(name: PeerName, options: PeerProcessOptions = {}): Promise<PeerProcess> {
    const peer = new PeerProcess(name, options);
    await peer.#start();
    return peer;
  }

  get versions(): Readonly<Record<string, string>> {
    return this.#versions;
  }

  /** The most that one of its processes had in use when it last answered. */
  get peakRssBytes(): number {
    return this.#peakRssBytes;
  }

  /** Never rejects for what the peer does. */
  async extract(page: PageForPeer): Promise<PeerOutcome> {
    const startedMs = performance.now();
    try {
      const child = this.#child ?? (await this.#restart());
      const answered = Deadline.after(this.#pageMs).race(`${this.name} on ${page.url}`, nextMessage(child));
      child.send(page);
      return this.#outcomeOf(await answered);
    } catch (error) {
      await this.#stop();
      const { message } = MillraceError.from(error, "unavailable");
      return { answer: undefined, reason: message, cpuMs: performance.now() - startedMs };
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stop();
  }

  #outcomeOf(message: FromPeer): PeerOutcome {
    if (message.kind === "answered" || message.kind === "failed") {
      this.#peakRssBytes = Math.max(this.#peakRssBytes, message.peakRssBytes);
      const { cpuMs } = message;
      if (message.kind === "answered") return { answer: message.answer, cpuMs };
      return { answer: undefined, reason: message.reason, cpuMs };
    }
    throw new MillraceError("internal", `${this.name} answered a page with "${message.kind}"`);
  }

  #restart(): Promise<ChildProcess> {
    this.#restarts++;
    if (this.#restarts <= PEER_RESTARTS_MAX) return this.#start();
    const text = `${this.name} was started again ${PEER_RESTARTS_MAX} times, the limit; its pages that are left count as failed`;
    throw new MillraceError("unavailable", text);
  }

  async #start(): Promise<ChildProcess> {
    const child = fork(this.#path, [this.name], {
      execArgv: ["--conditions=source", "--disable-warning=ExperimentalWarning"],
      serialization: "advanced",
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    this.#child = child;
    try {
      const message = await Deadline.after(PEER_START_MS).race(`starting ${this.name}`, nextMessage(child));
      if (message.kind === "refused") throw fromErrorBody(message.error);
      if (message.kind === "ready") this.#versions = message.versions;
      return child;
    } catch (error) {
      await this.#stop();
      throw error;
    }
  }

  async #stop(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
  }
}

/** Rejects with `unavailable` when the process ends first or cannot be started. */
function nextMessage(child: ChildProcess): Promise<FromPeer> {
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void) => {
      child.off("exit", onExit).off("message", onMessage).off("error", onError);
      finish();
    };
    const onExit = (code: number | null, signal: string | null) =>
      settle(() => reject(new MillraceError("unavailable", `its process ended with ${signal ?? code}`)));
    const onMessage = (message: unknown) => settle(() => resolve(message as FromPeer));
    const onError = (error: Error) => settle(() => reject(error));
    child.on("exit", onExit).on("message", onMessage).on("error", onError);
  });
}
